#include "cli/dispatch.h"

#include "config/nearest.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

namespace portcullis::cli {
namespace {

using Words = std::span<const std::string_view>;
using Commands = std::span<const Command>;

bool is_help(std::string_view word) { return word == "--help" || word == "-h"; }

// The first word of `hash key`.
std::string_view first_word(std::string_view name) { return name.substr(0, name.find(' ')); }

bool is_group(std::string_view word, Commands commands) {
  return std::ranges::any_of(commands, [&](const Command& command) {
    return command.name.size() > word.size() && first_word(command.name) == word;
  });
}

const Command* find_command(std::string_view name, Commands commands) {
  const auto found = std::ranges::find(commands, name, &Command::name);
  return found == commands.end() ? nullptr : &*found;
}

void print_list(std::string_view group, Commands commands, std::string& out) {
  for (const Command& command : commands) {
    if (!group.empty() && first_word(command.name) != group) continue;
    fmt::format_to(std::back_inserter(out), "  {:<18}{}\n", command.name, command.summary);
  }
}

void print_command(const Command& command, std::string& out) {
  const auto to = std::back_inserter(out);
  fmt::format_to(to, "portcullis {}: {}\n\nUsage: portcullis {}", command.name, command.summary,
                 command.name);
  for (const std::string_view word : command.words) fmt::format_to(to, " {}", word);
  for (const Option& option : command.options) {
    const std::string shown =
        option.letter != 0 ? std::string{'-', option.letter} : std::string(option.name);
    fmt::format_to(to, " [{}{}{}]{}", shown, option.value.empty() ? "" : " ", option.value,
                   option.repeats ? "…" : "");
  }
  fmt::format_to(to, "\n\n{}\n", command.about);
  if (!command.options.empty()) out += "Options:\n";
  for (const Option& option : command.options) {
    std::string shown = option.letter != 0 ? fmt::format("-{}, ", option.letter) : std::string();
    shown += option.name;
    if (!option.value.empty()) fmt::format_to(std::back_inserter(shown), " {}", option.value);
    fmt::format_to(to, "  {:<22}{}\n", shown, option.what);
  }
  if (!command.options.empty()) out += "\n";
  fmt::format_to(to, "Example:\n{}", command.example);
}

void print_group(std::string_view group, Commands commands, std::string& out) {
  fmt::format_to(std::back_inserter(out), "Usage: portcullis {} COMMAND [options]\n\n", group);
  print_list(group, commands, out);
  const auto first = std::ranges::find_if(
      commands, [&](const Command& command) { return first_word(command.name) == group; });
  fmt::format_to(std::back_inserter(out), "\nExample:\n{}", first->example);
}

void print_all(Commands commands, std::string& out) {
  out +=
      "portcullis: an API security gateway\n\n"
      "Usage: portcullis COMMAND [options]\n\n";
  print_list({}, commands, out);
  out +=
      "  help              tell this, or more of a command: `portcullis help check`\n"
      "\nExample:\n"
      "  portcullis check -c portcullis.yaml && portcullis run -c portcullis.yaml\n\n"
      "`portcullis COMMAND --help` tells more. Exit codes: 0 fine, 1 the answer is no,\n"
      "2 the command line or the configuration is wrong, 3 the machine is.\n";
}

int say_usage(const std::string& message, std::string_view help, Console& console) {
  fmt::format_to(std::back_inserter(console.err), "portcullis: {}\n", message);
  fmt::format_to(std::back_inserter(console.err), "`portcullis {}` shows what there is\n", help);
  return kUsage;
}

// `word` stands where a name of a command is wanted: of `group`, or of all when that is empty.
int say_unknown(std::string_view word, std::string_view group, Commands commands,
                Console& console) {
  std::vector<std::string_view> names;
  for (const Command& command : commands) {
    const std::string_view first = first_word(command.name);
    if (group.empty()) {
      names.push_back(first);
    } else if (first == group) {
      names.push_back(command.name.substr(group.size() + 1));
    }
  }
  if (group.empty()) names.push_back("help");
  const std::string where = group.empty() ? std::string() : std::string(group) + " ";
  return say_usage(fmt::format("unknown command {}{}", config::quote(where + std::string(word)),
                               config::did_you_mean(word, names)),
                   where + "--help", console);
}

int run_command(const Command& command, Words words, Console& console) {
  if (std::ranges::any_of(words, is_help)) {
    print_command(command, console.out);
    return kFine;
  }
  const Result<Arguments> arguments = parse_arguments(words, command.options, command.words);
  if (!arguments) {
    return say_usage(fmt::format("{}: {}", command.name, arguments.error().detail),
                     std::string(command.name) + " --help", console);
  }
  return command.run(*arguments, console);
}

int dispatch_group(std::string_view group, Words words, Commands commands, Console& console) {
  if (words.empty()) {
    return say_usage(fmt::format("`{}` needs a command", group), std::string(group) + " --help",
                     console);
  }
  if (is_help(words[0])) {
    print_group(group, commands, console.out);
    return kFine;
  }
  const std::string name = std::string(group) + " " + std::string(words[0]);
  const Command* const command = find_command(name, commands);
  if (command == nullptr) return say_unknown(words[0], group, commands, console);
  return run_command(*command, words.subspan(1), console);
}

}  // namespace

int dispatch(Words words, Commands commands, Console& console) {
  if (words.empty()) return say_usage("a command is needed", "--help", console);
  if (words[0] == "help" && words.size() > 1) {
    std::vector<std::string_view> asked(words.begin() + 1, words.end());
    asked.push_back("--help");
    return dispatch(asked, commands, console);
  }
  if (words[0] == "help" || is_help(words[0])) {
    print_all(commands, console.out);
    return kFine;
  }
  const std::string_view first = words[0] == "--version" ? "version" : words[0];
  if (is_group(first, commands)) return dispatch_group(first, words.subspan(1), commands, console);
  // A name of two words is two words, not one that somebody quoted.
  const Command* const command = first.contains(' ') ? nullptr : find_command(first, commands);
  if (command == nullptr) return say_unknown(first, {}, commands, console);
  return run_command(*command, words.subspan(1), console);
}

}  // namespace portcullis::cli
