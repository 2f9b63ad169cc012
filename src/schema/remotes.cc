#include "schema/remotes.h"

#include "schema/uri.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace portcullis::schema {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kFileBytes = 16 * 1024 * 1024;

bool is_within(const fs::path& file, const fs::path& folder) {
  const auto [end, rest] = std::ranges::mismatch(folder, file);
  return end == folder.end();
}

Result<std::string> read_file(const fs::path& file, std::string_view uri) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(file, error);
  if (error)
    return fail(ErrorCode::kBadConfig, fmt::format("`{}` is no file that can be read", uri));
  if (size > kFileBytes) {
    return fail(ErrorCode::kBadConfig, fmt::format("`{}` is larger than 16 MiB", uri));
  }
  std::string text(size, '\0');
  std::ifstream stream(file, std::ios::binary);
  if (!stream.read(text.data(), static_cast<std::streamsize>(size))) {
    return fail(ErrorCode::kBadConfig, fmt::format("`{}` cannot be read", uri));
  }
  return text;
}

}  // namespace

Result<void> Remotes::add(std::string_view rule) {
  // A URL may have a `=`, in its query; a folder seldom does.
  const std::size_t equals = rule.rfind('=');
  if (equals == std::string_view::npos || equals == 0 || equals + 1 == rule.size()) {
    return fail(ErrorCode::kBadConfig, "expects URL=DIR");
  }
  const std::string_view prefix = rule.substr(0, equals);
  if (!is_absolute_uri(prefix)) {
    return fail(ErrorCode::kBadConfig, "the URL needs its scheme: https://example.com/");
  }
  std::error_code error;
  const fs::path folder = fs::canonical(fs::path(rule.substr(equals + 1)), error);
  if (error || !fs::is_directory(folder, error)) {
    return fail(ErrorCode::kBadConfig, "the folder is not there");
  }
  rules_.push_back({std::string(prefix), folder.string()});
  std::ranges::sort(rules_, std::ranges::greater{},
                    [](const Rule& one) { return one.prefix.size(); });
  return {};
}

std::optional<Result<std::string>> Remotes::load(const std::vector<Rule>& rules,
                                                 std::string_view uri) {
  const auto rule =
      std::ranges::find_if(rules, [uri](const Rule& one) { return uri.starts_with(one.prefix); });
  if (rule == rules.end()) return std::nullopt;
  std::string path;
  if (!percent_decode(uri.substr(rule->prefix.size()), path) || path.contains('\0')) {
    return fail(ErrorCode::kBadConfig, fmt::format("`{}` is no URI of a file", uri));
  }
  path.erase(0, std::min(path.find_first_not_of('/'), path.size()));
  std::error_code error;
  // Links and dots resolved, so that what is compared is what is opened.
  const fs::path folder(rule->folder);
  const fs::path file = fs::canonical(folder / path, error);
  if (error || !is_within(file, folder) || !fs::is_regular_file(file, error)) {
    return fail(ErrorCode::kBadConfig,
                fmt::format("`{}` is not among the files of its folder", uri));
  }
  return read_file(file, uri);
}

Loader Remotes::loader() const {
  return [rules = rules_](std::string_view uri) { return load(rules, uri); };
}

}  // namespace portcullis::schema
