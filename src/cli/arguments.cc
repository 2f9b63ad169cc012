#include "cli/arguments.h"

#include "config/nearest.h"

#include <algorithm>

namespace portcullis::cli {
namespace {

std::unexpected<Error> wrong(std::string message) {
  return fail(ErrorCode::kBadConfig, std::move(message));
}

std::string unknown_option(std::string_view name, std::span<const Option> options) {
  std::vector<std::string_view> names;
  for (const Option& option : options) names.push_back(option.name);
  std::string message = "unknown option " + config::quote(name);
  if (names.empty()) return message + "; there are none here";
  const std::string meant = config::did_you_mean(name, names);
  return message + (meant.empty() ? "; expected " + config::one_of(names) : meant);
}

const Option* find_option(std::string_view name, std::span<const Option> options) {
  const auto found = std::ranges::find_if(options, [&](const Option& option) {
    const bool is_letter = name.size() == 2 && option.letter != 0 && name[1] == option.letter;
    return option.name == name || is_letter;
  });
  return found == options.end() ? nullptr : &*found;
}

}  // namespace

std::optional<std::string_view> Arguments::value(std::string_view option) const {
  const auto found = std::ranges::find(given_, option, &Given::option);
  if (found == given_.end()) return std::nullopt;
  return found->value;
}

Result<Arguments> parse_arguments(std::span<const std::string_view> words,
                                  std::span<const Option> options) {
  Arguments arguments;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word.size() < 2 || word.front() != '-') {
      return wrong("found a word where only options may stand");
    }
    const std::size_t equals = word.starts_with("--") ? word.find('=') : std::string_view::npos;
    const std::string_view name = word.substr(0, equals);
    const Option* const option = find_option(name, options);
    if (option == nullptr) return wrong(unknown_option(name, options));
    const std::string shown(option->name);
    if (arguments.has(option->name)) return wrong("`" + shown + "` is given twice");
    std::string_view value;
    if (option->value.empty()) {
      if (equals != std::string_view::npos) return wrong("`" + shown + "` takes no value");
    } else {
      if (equals != std::string_view::npos) {
        value = word.substr(equals + 1);
      } else if (++i < words.size()) {
        value = words[i];
      }
      if (value.empty()) return wrong("`" + shown + "` needs a " + std::string(option->value));
    }
    arguments.given_.push_back({option->name, value});
  }
  return arguments;
}

}  // namespace portcullis::cli
