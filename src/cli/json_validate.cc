#include "cli/json_validate.h"

#include "config/nearest.h"
#include "config/scalars.h"
#include "json/writer.h"
#include "schema/remotes.h"
#include "schema/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iostream>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace portcullis::cli {
namespace {

constexpr std::array kOptions = {
    Option{"--schema", 's', "FILE", "the schema"},
    Option{"--dialect", 0, "DIALECT",
           "of a schema without `$schema`: 2020-12 (unless said), 2019-09, 7, 6, 4, openapi-3.0 or "
           "openapi-3.1"},
    Option{"--formats", 0, "assert", "`format` is a rule, and no remark only"},
    Option{"--remotes", 0, "URL=DIR", "references that begin with URL are files in DIR", true},
    Option{"--batch", 0, "FILE", "one instance a line"}};
constexpr std::array<std::string_view, 1> kWords = {"[INSTANCE…]"};

constexpr std::size_t kErrorsShown = 100;

// A tool for files of one's own: bounds against accidents, not against attackers.
constexpr schema::Bounds kBounds = {.size = std::numeric_limits<std::int32_t>::max(),
                                    .depth = 512,
                                    .string_bytes = std::numeric_limits<std::int32_t>::max(),
                                    .number_chars = 1'000'000,
                                    .properties = 10'000'000};

int refuse_usage(std::string_view message, Console& console) {
  fmt::format_to(std::back_inserter(console.err), "portcullis: json validate: {}\n", message);
  return kUsage;
}

// `-` is standard input.
std::optional<std::string> read_file(std::string_view name) {
  if (name == "-") {
    return std::string(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  }
  std::ifstream file(std::string(name), std::ios::binary);
  if (!file) return std::nullopt;
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.bad()) return std::nullopt;
  return text;
}

// Checks texts one after the other, in the same memory.
class Printer {
 public:
  Printer(const schema::Schema& schema, Console& console) : schema_(schema), console_(console) {}

  void check(std::string_view text) {
    json::Writer writer(console_.out);
    const Result<void> read = text_.read(text, kBounds);
    const bool fine = read && checker_.check(schema_.program(), text_);
    writer.begin_object().field("valid", fine);
    if (!fine) {
      all_valid_ = false;
      writer.key("errors").begin_array();
      if (read) {
        print_violations(writer);
      } else {
        print(writer, {"", "json", "", read.error().detail});
      }
      writer.end_array();
    }
    writer.end_object();
    console_.out.push_back('\n');
  }

  [[nodiscard]] bool all_valid() const { return all_valid_; }

 private:
  void print_violations(json::Writer& writer) {
    for (const auto& one : checker_.explain(schema_.program(), text_, kErrorsShown)) {
      print(writer, one);
    }
  }

  static void print(json::Writer& writer, const schema::Violation& one) {
    writer.begin_object()
        .field("instance", one.instance)
        .field("keyword", one.keyword)
        .field("schema", one.schema)
        .field("message", one.message)
        .end_object();
  }

  const schema::Schema& schema_;
  Console& console_;
  schema::Text text_;
  schema::Checker checker_;
  bool all_valid_ = true;
};

// Nothing when something is wrong with the command line; `code` and the console say what.
std::optional<schema::Options> read_options(const Arguments& arguments, Console& console,
                                            int& code) {
  schema::Options options;
  if (const auto name = arguments.value("--dialect")) {
    const std::optional<schema::Dialect> dialect = schema::find_dialect(*name);
    if (!dialect) {
      code = refuse_usage(fmt::format("unknown dialect {}; expected 2020-12, 2019-09, 7, 6, 4, "
                                      "openapi-3.0 or openapi-3.1",
                                      config::quote(*name)),
                          console);
      return std::nullopt;
    }
    options.dialect = *dialect;
  }
  if (const auto formats = arguments.value("--formats")) {
    if (*formats != "assert") {
      code = refuse_usage("`--formats` takes `assert`", console);
      return std::nullopt;
    }
    options.assert_formats = true;
  }
  schema::Remotes remotes;
  for (const std::string_view rule : arguments.values("--remotes")) {
    if (Result<void> added = remotes.add(rule); !added) {
      code = refuse_usage(fmt::format("--remotes: {}", added.error().detail), console);
      return std::nullopt;
    }
  }
  options.load = remotes.loader();
  return options;
}

// Each line of a batch; blank ones are passed over.
void check_lines(std::string_view batch, Printer& printer) {
  while (!batch.empty()) {
    const std::size_t end = std::min(batch.find('\n'), batch.size());
    const std::string_view line = batch.substr(0, end);
    batch.remove_prefix(std::min(end + 1, batch.size()));
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) printer.check(line);
  }
}

int check_all(const Arguments& arguments, const schema::Schema& schema, Console& console) {
  Printer printer(schema, console);
  std::vector<std::string_view> names(arguments.words().begin(), arguments.words().end());
  const std::optional<std::string_view> batch = arguments.value("--batch");
  if (batch) names.push_back(*batch);
  for (std::size_t at = 0; at < names.size(); ++at) {
    const std::optional<std::string> text = read_file(names[at]);
    if (!text) {
      return refuse_usage(fmt::format("cannot read {}", config::quote(names[at])), console);
    }
    if (batch && at + 1 == names.size()) {
      check_lines(*text, printer);
    } else {
      printer.check(*text);
    }
  }
  return printer.all_valid() ? kFine : kNo;
}

int json_validate(const Arguments& arguments, Console& console) {
  const std::optional<std::string_view> name = arguments.value("--schema");
  if (!name) return refuse_usage("`--schema` is missing", console);
  if (arguments.words().empty() && !arguments.has("--batch")) {
    return refuse_usage("nothing to validate: name files, or `-`, or give `--batch`", console);
  }
  int code = kFine;
  const std::optional<schema::Options> options = read_options(arguments, console, code);
  if (!options) return code;
  const std::optional<std::string> text = read_file(*name);
  if (!text) return refuse_usage(fmt::format("cannot read {}", config::quote(*name)), console);
  const auto schema = schema::Schema::compile(*text, *options);
  if (schema) return check_all(arguments, *schema, console);
  for (const schema::SchemaError& error : schema.error()) {
    console.err += schema::describe(error, *name);
    console.err.push_back('\n');
  }
  return kUsage;
}

}  // namespace

Command json_validate_command() {
  return {.name = "json validate",
          .summary = "check JSON texts by a JSON Schema",
          .about =
              "Prints a line of JSON for each instance, in order: whether it is valid, and every\n"
              "rule that it breaks, with where. `-` is standard input. Nothing is ever fetched.\n"
              "Exits with 0 when all are valid, 1 when one is not, 2 when the schema cannot be\n"
              "compiled.\n",
          .example =
              "  portcullis json validate --schema order.schema.json order.json\n"
              "  portcullis json validate --schema order.schema.json --formats assert \\\n"
              "    --remotes https://example.com/schemas/=schemas --batch orders.jsonl\n",
          .options = kOptions,
          .words = kWords,
          .run = json_validate};
}

}  // namespace portcullis::cli
