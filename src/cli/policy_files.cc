#include "cli/policy_files.h"

#include "cedar/policy_json.h"
#include "cedar/policy_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <utility>
#include <vector>

namespace portcullis::cli {
namespace {

namespace fs = std::filesystem;

// Empty when all is well.
std::string add_policies(const std::string& file, std::string text, cedar::PolicySet& set) {
  if (is_json(text)) {
    const auto read = cedar::read_policies(text, set);
    return read ? std::string() : fmt::format("{}: {}\n", file, cedar::to_string(read.error()));
  }
  const cedar::Source& source = set.add_source(cedar::Source(file, std::move(text)));
  std::string said;
  for (const cedar::Finding& finding : cedar::parse_policies(source, set))
    said += source.describe(finding);
  return said;
}

int say_error(const Error& error, Console& console) {
  fmt::format_to(std::back_inserter(console.err), "portcullis: {}\n", error.detail);
  return kMachine;
}

}  // namespace

Result<std::vector<std::string>> policy_files_of(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return std::vector{path};
  std::vector<std::string> files;
  for (auto at = fs::recursive_directory_iterator(path, error);
       !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    if (at->path().extension() == ".cedar" && at->is_regular_file(error))
      files.push_back(at->path().string());
  }
  if (error) return fail(ErrorCode::kMachine, fmt::format("{}: {}", path, error.message()));
  if (files.empty())
    return fail(ErrorCode::kMachine, fmt::format("{}: no `.cedar` file in this folder", path));
  std::ranges::sort(files);
  return files;
}

bool is_json(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && text[first] == '{';
}

Result<std::string> read_text(const std::string& path) {
  std::string text;
  if (path == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
    return text;
  }
  std::error_code error;
  if (fs::is_directory(path, error))
    return fail(ErrorCode::kMachine, fmt::format("{}: is a folder, not a file", path));
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::kMachine, fmt::format("{}: cannot be opened", path));
  std::ostringstream all;
  all << file.rdbuf();
  if (file.bad()) return fail(ErrorCode::kMachine, fmt::format("{}: cannot be read", path));
  return std::move(all).str();
}

std::unique_ptr<cedar::PolicySet> load_policies(const std::string& path, Console& console,
                                                int& code) {
  const auto files = policy_files_of(path);
  if (!files) {
    code = say_error(files.error(), console);
    return nullptr;
  }
  auto set = std::make_unique<cedar::PolicySet>();
  bool fine = true;
  for (const std::string& file : *files) {
    auto text = read_text(file);
    if (!text) {
      code = say_error(text.error(), console);
      return nullptr;
    }
    const std::string said = add_policies(file, std::move(*text), *set);
    console.err += said;
    fine = fine && said.empty();
  }
  if (fine) return set;
  code = kUsage;
  return nullptr;
}

std::optional<cedar::Schema> load_schema(const std::string& path, Console& console, int& code) {
  auto text = read_text(path);
  if (!text) {
    code = say_error(text.error(), console);
    return std::nullopt;
  }
  auto schema = cedar::Schema::parse(*text);
  if (schema) return std::move(*schema);
  const cedar::Source source(path, std::move(*text));
  for (const cedar::Finding& finding : schema.error()) console.err += source.describe(finding);
  code = kUsage;
  return std::nullopt;
}

}  // namespace portcullis::cli
