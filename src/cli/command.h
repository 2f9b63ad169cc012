// Subcommands as data: what the parser, the help pages and the dispatcher read.
#pragma once

#include "cli/arguments.h"

#include <span>
#include <string>
#include <string_view>

namespace portcullis::cli {

// What every command exits with.
inline constexpr int kFine = 0;
inline constexpr int kNo = 1;       // the answer to what was asked is no
inline constexpr int kUsage = 2;    // the command line or the configuration is wrong
inline constexpr int kMachine = 3;  // a file, a socket, memory

// What a command says. Written by main when the command has ended.
struct Console {
  std::string out;
  std::string err;
};

struct Command {
  std::string_view name;     // `check`, `hash key`
  std::string_view summary;  // one line
  std::string_view about;    // the rest of its help, lines ended
  std::string_view example;  // command lines, two spaces before each, lines ended
  std::span<const Option> options;
  std::span<const std::string_view> words = {};  // what it takes beside options: `METHOD`, `URL`
  int (*run)(const Arguments& arguments, Console& console) = nullptr;
};

inline constexpr std::string_view kDefaultConfig = "portcullis.yaml";
inline constexpr Option kConfigOption{"--config", 'c', "FILE",
                                      "the configuration; portcullis.yaml unless said"};
inline constexpr Option kJsonOption{"--json", 0, "", "the answer as JSON, for programs"};

}  // namespace portcullis::cli
