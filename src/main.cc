// The composition root: the commands that there are, and the process's own streams.
#include "cli/bans.h"
#include "cli/check.h"
#include "cli/config_reference.h"
#include "cli/config_schema.h"
#include "cli/dispatch.h"
#include "cli/explain.h"
#include "cli/hash_key.h"
#include "cli/json_validate.h"
#include "cli/policy_check.h"
#include "cli/policy_evaluate.h"
#include "cli/policy_format.h"
#include "cli/run.h"
#include "cli/version.h"

#include <array>
#include <cstdio>
#include <string_view>
#include <vector>

namespace portcullis::cli {
namespace {

constexpr std::array kRunOptions = {
    kConfigOption, Option{"--watch", 0, "", "reload when a file of the configuration changes"}};

// Says what it has to say in logs, while it runs.
int run_from(const Arguments& arguments, Console&) {
  return run({.config = arguments.value_or("--config", kDefaultConfig),
              .watch = arguments.has("--watch")});
}

Command run_command() {
  return {.name = "run",
          .summary = "serve",
          .about =
              "Serves until SIGTERM or SIGINT, and lets requests finish then. SIGHUP reloads the\n"
              "configuration without dropping anything; SIGUSR1 reopens the access log.\n",
          .example = "  portcullis run -c portcullis.yaml --watch\n",
          .options = kRunOptions,
          .run = run_from};
}

// False when it could not all be written.
bool print(std::string_view text, std::FILE* stream) {
  return std::fwrite(text.data(), 1, text.size(), stream) == text.size() &&
         std::fflush(stream) == 0;
}

int run_process(const std::vector<std::string_view>& words) {
  const std::array commands = {
      run_command(),           check_command(),           explain_command(),
      hash_key_command(),      bans_list_command(),       bans_add_command(),
      bans_remove_command(),   config_schema_command(),   config_reference_command(),
      json_validate_command(), policy_evaluate_command(), policy_check_command(),
      policy_format_command(), version_command()};
  Console console;
  const int code = dispatch(words, commands, console);
  (void)print(console.err, stderr);
  if (print(console.out, stdout)) return code;
  std::perror("portcullis: standard output");
  return kMachine;
}

}  // namespace
}  // namespace portcullis::cli

int main(int argc, char** argv) {
  return portcullis::cli::run_process({argv + (argc > 0 ? 1 : 0), argv + argc});
}
