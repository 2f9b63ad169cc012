#include "cli/check.h"

#include "cli/compiled.h"
#include "gateway/snapshot.h"
#include "json/writer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <tuple>
#include <vector>

namespace portcullis::cli {
namespace {

constexpr std::array kOptions = {kConfigOption, kJsonOption};

// What a configuration that may be run contains.
struct Summary {
  std::size_t apis = 0;
  std::set<std::string> operations;
  std::set<std::string> open;               // operations that need no authentication
  std::set<std::string> unlimited;          // operations that no limit holds
  std::vector<std::string> unlimited_text;  // the same, an API of which all are none as one
};

Summary summarise(const gateway::Snapshot& snapshot) {
  Summary summary;
  summary.apis = snapshot.config().apis.size();
  for (const gateway::Plan& plan : snapshot.plans()) {
    summary.operations.insert(plan.full_operation);
    if (plan.door.open()) summary.open.insert(plan.full_operation);
    if (plan.limits.empty()) summary.unlimited.insert(plan.full_operation);
  }
  for (const config::Api& api : snapshot.config().apis) {
    std::vector<std::string> here;
    for (const config::Route& route : api.routes) {
      const std::string name = api.name + "." + route.operation;
      if (summary.unlimited.contains(name)) here.push_back(name);
    }
    if (here.size() > 1 && here.size() == api.routes.size()) here = {"all of " + api.name};
    std::ranges::move(here, std::back_inserter(summary.unlimited_text));
  }
  return summary;
}

std::string_view name_of(config::Severity severity) {
  switch (severity) {
    case config::Severity::kError:
      return "error";
    case config::Severity::kWarning:
      return "warning";
    case config::Severity::kNote:
      return "note";
  }
  return "error";
}

std::string count(std::size_t number, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", number, number == 1 ? one : many);
}

std::size_t count_warnings(const config::Diagnostics& diagnostics) {
  return static_cast<std::size_t>(std::ranges::count(diagnostics.all(), config::Severity::kWarning,
                                                     &config::Diagnostic::severity));
}

// A page of names at most; --json has them all.
std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 40;
  if (names.empty()) return "none";
  const std::span<const std::string> shown(names.data(), std::min(names.size(), kMost));
  std::string text = fmt::format("{}", fmt::join(shown, ", "));
  if (names.size() > kMost) text += fmt::format(" and {} more", names.size() - kMost);
  return text;
}

void print_text(const config::Diagnostics& diagnostics, const std::optional<Summary>& summary,
                Console& console) {
  console.err += diagnostics.to_string();
  const auto out = std::back_inserter(console.out);
  if (!summary) {
    fmt::format_to(out, "not ok: {}\n", count(diagnostics.errors(), "error", "errors"));
    return;
  }
  fmt::format_to(out, "ok: {}, {}", count(summary->apis, "API", "APIs"),
                 count(summary->operations.size(), "operation", "operations"));
  if (const std::size_t warnings = count_warnings(diagnostics); warnings > 0)
    fmt::format_to(out, ", {}", count(warnings, "warning", "warnings"));
  fmt::format_to(out, "\nopen to everyone: {}\nwithout limits: {}\n",
                 listed({summary->open.begin(), summary->open.end()}),
                 listed(summary->unlimited_text));
}

void put_names(json::Writer& writer, std::string_view key, const std::set<std::string>& names) {
  writer.key(key).begin_array();
  for (const std::string& name : names) writer.string(name);
  writer.end_array();
}

void print_json(const config::Diagnostics& diagnostics, const std::optional<Summary>& summary,
                Console& console) {
  json::Writer writer(console.out);
  writer.begin_object().field("ok", summary.has_value());
  if (summary) {
    writer.field("apis", static_cast<std::uint64_t>(summary->apis));
    writer.field("operations", static_cast<std::uint64_t>(summary->operations.size()));
    writer.field("warnings", static_cast<std::uint64_t>(count_warnings(diagnostics)));
    put_names(writer, "open", summary->open);
    put_names(writer, "unlimited", summary->unlimited);
  }
  std::vector<const config::Diagnostic*> sorted;
  for (const config::Diagnostic& one : diagnostics.all()) sorted.push_back(&one);
  std::ranges::sort(sorted, {}, [](const config::Diagnostic* one) {
    return std::tuple(one->at.file, one->at.line, one->at.column, one);
  });
  writer.key("diagnostics").begin_array();
  for (const config::Diagnostic* one : sorted) {
    const auto& files = diagnostics.files();
    writer.begin_object().field("severity", name_of(one->severity));
    writer.field("file", one->at.file < files.size() ? std::string_view(files[one->at.file])
                                                     : std::string_view());
    writer.field("line", one->at.line).field("column", one->at.column);
    writer.field("key", one->key).field("message", one->message).end_object();
  }
  writer.end_array().end_object();
  console.out.push_back('\n');
}

int check_from(const Arguments& arguments, Console& console) {
  return check(arguments.value_or("--config", kDefaultConfig),
               arguments.has("--json") ? CheckFormat::kJson : CheckFormat::kText, console);
}

}  // namespace

int check(const std::string& path, CheckFormat format, Console& console) {
  config::Diagnostics diagnostics;
  const std::unique_ptr<const Compiled> compiled = Compiled::from_file(path, diagnostics);
  std::optional<Summary> summary;
  if (compiled != nullptr) summary = summarise(*compiled->snapshot());
  if (format == CheckFormat::kJson) {
    print_json(diagnostics, summary, console);
  } else {
    print_text(diagnostics, summary, console);
  }
  return summary ? kFine : kUsage;
}

Command check_command() {
  return {.name = "check",
          .summary = "say everything that is wrong with a configuration",
          .about =
              "Reads and compiles the file, what it includes and what it names, just as `run`\n"
              "does, but opens no socket and fetches nothing. All errors are reported at once,\n"
              "as file:line:column; then what is open to everyone, and what no limit holds. Exits\n"
              "with 0 when the file may be run, else with 2.\n",
          .example = "  portcullis check -c portcullis.yaml\n",
          .options = kOptions,
          .run = check_from};
}

}  // namespace portcullis::cli
