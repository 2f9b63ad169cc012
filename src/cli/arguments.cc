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

// `METHOD URL`
std::string in_order(std::span<const std::string_view> wanted) {
  std::string text = "`";
  for (const std::string_view word : wanted) {
    if (text.size() > 1) text += ' ';
    text += word;
  }
  return text + '`';
}

// `[FILE…]`: any number of words, none too.
bool takes_any(std::span<const std::string_view> wanted) {
  return !wanted.empty() && wanted.back().ends_with("…]");
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

std::vector<std::string_view> Arguments::values(std::string_view option) const {
  std::vector<std::string_view> all;
  for (const Given& each : given_) {
    if (each.option == option) all.push_back(each.value);
  }
  return all;
}

Result<Arguments> parse_arguments(std::span<const std::string_view> words,
                                  std::span<const Option> options,
                                  std::span<const std::string_view> wanted) {
  Arguments arguments;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word.size() < 2 || word.front() != '-') {
      if (arguments.words_.size() >= wanted.size() && !takes_any(wanted)) {
        return wrong(wanted.empty() ? "found a word where only options may stand"
                                    : "found a word more than " + in_order(wanted));
      }
      arguments.words_.push_back(word);
      continue;
    }
    const std::size_t equals = word.starts_with("--") ? word.find('=') : std::string_view::npos;
    const std::string_view name = word.substr(0, equals);
    const Option* const option = find_option(name, options);
    if (option == nullptr) return wrong(unknown_option(name, options));
    const std::string shown(option->name);
    if (!option->repeats && arguments.has(option->name))
      return wrong("`" + shown + "` is given twice");
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
  if (arguments.words_.size() + (takes_any(wanted) ? 1 : 0) < wanted.size()) {
    return wrong("`" + std::string(wanted[arguments.words_.size()]) + "` is missing: it takes " +
                 in_order(wanted));
  }
  return arguments;
}

}  // namespace portcullis::cli
