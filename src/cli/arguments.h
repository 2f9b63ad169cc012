// The words of a command line, against the options that a command has. No library: what we need of
// one is smaller than its interface.
#pragma once

#include "base/result.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::cli {

struct Option {
  std::string_view name;   // `--config`
  char letter = 0;         // `c` for `-c`; 0 for none
  std::string_view value;  // what its value is called in help: `FILE`; empty for a switch
  std::string_view what;   // one line of help
  bool repeats = false;    // may be given several times
};

// What was given. Borrows the words.
class Arguments {
 public:
  [[nodiscard]] bool has(std::string_view option) const { return value(option).has_value(); }
  // The value of an option, empty for a switch; nothing when it was not given.
  [[nodiscard]] std::optional<std::string_view> value(std::string_view option) const;
  // All that was given for an option that repeats, in order.
  [[nodiscard]] std::vector<std::string_view> values(std::string_view option) const;
  // The words that are no option, as many as the command takes.
  [[nodiscard]] std::span<const std::string_view> words() const { return words_; }
  [[nodiscard]] std::string value_or(std::string_view option, std::string_view otherwise) const {
    return std::string(value(option).value_or(otherwise));
  }

 private:
  friend Result<Arguments> parse_arguments(std::span<const std::string_view> words,
                                           std::span<const Option> options,
                                           std::span<const std::string_view> wanted);
  struct Given {
    std::string_view option;
    std::string_view value;
  };
  std::vector<Given> given_;
  std::vector<std::string_view> words_;
};

// Takes `--config FILE`, `--config=FILE`, `-c FILE`, and `--json`, and exactly the words that are
// `wanted`, by what help calls them; when the last is `[FILE…]`, any number for it. Refuses options
// that are not among `options` (naming the nearest), options given twice, values that are missing,
// empty or not wanted, and words beyond those. They are not repeated in the message: a key pasted
// in the wrong place must not land in a terminal's log. Errors: kBadConfig.
[[nodiscard]] Result<Arguments> parse_arguments(std::span<const std::string_view> words,
                                                std::span<const Option> options,
                                                std::span<const std::string_view> wanted = {});

}  // namespace portcullis::cli
