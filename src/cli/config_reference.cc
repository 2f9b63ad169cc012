#include "cli/config_reference.h"

#include "config/reference.h"

namespace portcullis::cli {
namespace {

int print_reference(const Arguments&, Console& console) {
  console.out += config::reference();
  return kFine;
}

}  // namespace

Command config_reference_command() {
  return {.name = "config reference",
          .summary = "print every key of the configuration file, for people",
          .about =
              "Markdown: what each key takes, its bounds, and what it is when the file does not\n"
              "say. docs/configuration-reference.md is this text.\n",
          .example = "  portcullis config reference > configuration-reference.md\n",
          .options = {},
          .run = print_reference};
}

}  // namespace portcullis::cli
