#include "cli/policy_format.h"

#include "cedar/format.h"
#include "cli/policy_files.h"

#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace portcullis::cli {
namespace {

constexpr std::array kOptions = {
    Option{"--write", 'w', "", "change the files; without it the text goes to standard output"},
    Option{"--check", 0, "", "change nothing; exit with 1 and name the files that would change"},
    Option{"--width", 0, "COLUMNS", "how long a line should be at most; 80 unless said"},
    Option{"--indent", 0, "COLUMNS", "how far to indent; 2 unless said"}};
constexpr std::array<std::string_view, 1> kWords = {"POLICIES"};

Result<std::size_t> number_of(const Arguments& arguments, std::string_view option,
                              std::size_t otherwise, std::size_t most) {
  if (!arguments.has(option)) return otherwise;
  const std::string text = arguments.value_or(option, "");
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > most)
    return fail(ErrorCode::kBadConfig,
                std::string(option) + " is a number up to " + std::to_string(most));
  return value;
}

// Beside the file and then in its place, so that there is never half of it.
Result<void> replace_file(const std::string& path, std::string_view text) {
  const std::string beside = path + ".new";
  std::ofstream file(beside, std::ios::binary | std::ios::trunc);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.close();
  std::error_code error;
  if (file) {
    const auto permissions = std::filesystem::status(path, error).permissions();
    std::filesystem::permissions(beside, permissions, error);
    std::filesystem::rename(beside, path, error);
    if (!error) return {};
  }
  std::filesystem::remove(beside, error);
  return fail(ErrorCode::kMachine, path + " cannot be written");
}

// Whether the file is (as it should be), was, or could not be formatted.
enum class Outcome : std::uint8_t { kFine, kChanged, kBroken };

Result<Outcome> format_file(const std::string& path, const Arguments& arguments,
                            const cedar::FormatOptions& options, Console& console) {
  PC_TRY(std::string text, read_text(path));
  const cedar::Source source(path, std::move(text));
  const auto formatted = cedar::format_policies(source, options);
  if (!formatted) {
    for (const cedar::Finding& finding : formatted.error()) console.err += source.describe(finding);
    return Outcome::kBroken;
  }
  const bool same = *formatted == source.text();
  if (arguments.has("--check")) {
    if (!same) console.out += path + "\n";
  } else if (!arguments.has("--write")) {
    console.out += *formatted;
  } else if (!same) {
    PC_CHECK_OK(replace_file(path, *formatted));
    console.out += path + "\n";
  }
  return same ? Outcome::kFine : Outcome::kChanged;
}

int policy_format(const Arguments& arguments, Console& console) {
  const auto say = [&](const Error& error) {
    console.err += "portcullis: policy format: " + error.detail + "\n";
    return error.code == ErrorCode::kBadConfig ? kUsage : kMachine;
  };
  constexpr std::size_t kMostColumns = 1000;
  const auto width = number_of(arguments, "--width", 80, kMostColumns);
  if (!width) return say(width.error());
  const auto indent = number_of(arguments, "--indent", 2, kMostColumns);
  if (!indent) return say(indent.error());
  const auto files = policy_files_of(std::string(arguments.words()[0]));
  if (!files) return say(files.error());
  bool fine = true;
  for (const std::string& file : *files) {
    const auto outcome =
        format_file(file, arguments, {.width = *width, .indent = *indent}, console);
    if (!outcome) return say(outcome.error());
    fine = fine && *outcome != Outcome::kBroken &&
           (*outcome == Outcome::kFine || !arguments.has("--check"));
  }
  return fine ? kFine : kNo;
}

}  // namespace

Command policy_format_command() {
  return {
      .name = "policy format",
      .summary = "lay Cedar policies out, keeping their comments",
      .about =
          "POLICIES is a file or a folder of `.cedar` files. The layout is that of Cedar's own\n"
          "formatter. A file that cannot be parsed is left alone, and told of.\n",
      .example =
          "  portcullis policy format --write policies/\n"
          "  portcullis policy format --check policies/ || echo run the formatter\n",
      .options = kOptions,
      .words = kWords,
      .run = policy_format};
}

}  // namespace portcullis::cli
