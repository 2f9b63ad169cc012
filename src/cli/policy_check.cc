#include "cli/policy_check.h"

#include "cedar/policy_json.h"
#include "cedar/policy_parser.h"
#include "cedar/schema.h"
#include "cedar/validator.h"
#include "cli/policy_files.h"
#include "json/writer.h"

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <optional>

namespace portcullis::cli {
namespace {

constexpr std::array kOptions = {
    Option{"--schema", 0, "FILE",
           "the schema, in either syntax; without it only syntax is checked"},
    kJsonOption};
constexpr std::array<std::string_view, 1> kWords = {"POLICIES"};

// Says findings in the form that was asked for, and counts the errors.
class Report {
 public:
  Report(bool json, Console& console) : json_(json), console_(console) {}

  void say(const cedar::Finding& finding, const cedar::Source& source, std::string_view policy) {
    const bool error = finding.severity == cedar::Severity::kError;
    ++(error ? errors_ : warnings_);
    if (!json_) {
      console_.err += source.describe(finding);
      return;
    }
    const cedar::Position at = source.locate(finding.at.begin);
    json::Writer writer(console_.out);
    writer.begin_object().field("file", source.name()).field("line", at.line);
    writer.field("column", at.column).field("severity", error ? "error" : "warning");
    if (!policy.empty()) writer.field("policy", policy);
    writer.field("message", finding.message);
    if (!finding.help.empty()) writer.field("help", finding.help);
    writer.end_object();
    console_.out.push_back('\n');
  }

  [[nodiscard]] std::size_t errors() const { return errors_; }
  [[nodiscard]] std::size_t warnings() const { return warnings_; }

 private:
  bool json_;
  Console& console_;
  std::size_t errors_ = 0;
  std::size_t warnings_ = 0;
};

std::string counted(std::size_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

Result<std::optional<cedar::Schema>> schema_of(const std::string& path, Report& report) {
  PC_TRY(std::string text, read_text(path));
  const cedar::Source source(path, std::move(text));
  auto schema = cedar::Schema::parse(source.text());
  if (schema) return std::optional(*std::move(schema));
  for (const cedar::Finding& finding : schema.error()) report.say(finding, source, {});
  return std::optional<cedar::Schema>();
}

void add_policies(const std::string& file, std::string text, cedar::PolicySet& policies,
                  Report& report) {
  if (is_json(text)) {
    const auto read = cedar::read_policies(text, policies);
    if (!read) report.say({{}, cedar::to_string(read.error()), {}}, {file, {}}, {});
    return;
  }
  const cedar::Source& source = policies.add_source(cedar::Source(file, std::move(text)));
  for (const cedar::Finding& finding : cedar::parse_policies(source, policies))
    report.say(finding, source, {});
}

Result<void> check_policies(const Arguments& arguments, Report& report,
                            cedar::PolicySet& policies) {
  std::optional<cedar::Schema> schema;
  if (arguments.has("--schema")) {
    PC_TRY(schema, schema_of(arguments.value_or("--schema", ""), report));
  }
  PC_TRY(const auto files, policy_files_of(std::string(arguments.words()[0])));
  for (const std::string& file : files) {
    PC_TRY(std::string text, read_text(file));
    add_policies(file, std::move(text), policies, report);
  }
  if (!schema || report.errors() != 0) return {};
  // JSON has no lines.
  const cedar::Source none(std::string(arguments.words()[0]), {});
  for (cedar::PolicyFinding& found : cedar::validate_policies(policies, *schema)) {
    if (found.source == nullptr)
      found.finding.message += fmt::format(", in policy `{}`", found.policy);
    report.say(found.finding, found.source == nullptr ? none : *found.source, found.policy);
  }
  return {};
}

int policy_check(const Arguments& arguments, Console& console) {
  Report report(arguments.has("--json"), console);
  cedar::PolicySet policies;
  const Result<void> done = check_policies(arguments, report, policies);
  if (!done) {
    console.err += "portcullis: policy check: " + done.error().detail + "\n";
    return kMachine;
  }
  const bool fine = report.errors() == 0;
  if (!arguments.has("--json")) {
    const std::string warnings = counted(report.warnings(), "warning", "warnings");
    const std::string what =
        fine ? "ok: " + counted(policies.policies().size(), "policy", "policies")
             : counted(report.errors(), "error", "errors");
    fmt::format_to(std::back_inserter(console.out), "{}, {}\n", what, warnings);
  }
  return fine ? kFine : kNo;
}

}  // namespace

Command policy_check_command() {
  return {
      .name = "policy check",
      .summary = "say what can go wrong in Cedar policies, against a schema",
      .about =
          "POLICIES is a file or a folder of `.cedar` files. Each mistake is told with its line\n"
          "and what would mend it: names that the schema does not have, operands of the wrong\n"
          "type, optional attributes that are read unasked. Exits with 1 when there is one.\n"
          "A policy that can never apply is a warning.\n",
      .example = "  portcullis policy check --schema app.cedarschema policies/\n",
      .options = kOptions,
      .words = kWords,
      .run = policy_check};
}

}  // namespace portcullis::cli
