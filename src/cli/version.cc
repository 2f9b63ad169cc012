#include "cli/version.h"

namespace portcullis::cli {
namespace {

int print_version(const Arguments&, Console& console) {
  console.out += "portcullis " PORTCULLIS_VERSION "\n";
  return kFine;
}

}  // namespace

Command version_command() {
  return {.name = "version",
          .summary = "say which version this is",
          .about = "Prints one line. `portcullis --version` is the same.\n",
          .example = "  portcullis version\n",
          .options = {},
          .run = print_version};
}

}  // namespace portcullis::cli
