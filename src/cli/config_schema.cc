#include "cli/config_schema.h"

#include "config/schema.h"

namespace portcullis::cli {
namespace {

int print_schema(const Arguments&, Console& console) {
  console.out += config::json_schema();
  if (!console.out.ends_with('\n')) console.out.push_back('\n');
  return kFine;
}

}  // namespace

Command config_schema_command() {
  return {.name = "config schema",
          .summary = "print the JSON Schema of the configuration file",
          .about =
              "Editors with a YAML language server complete and check the file by it, when the\n"
              "file begins with\n"
              "  # yaml-language-server: $schema=portcullis.schema.json\n",
          .example = "  portcullis config schema > portcullis.schema.json\n",
          .options = {},
          .run = print_schema};
}

}  // namespace portcullis::cli
