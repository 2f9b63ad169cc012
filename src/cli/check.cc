#include "cli/check.h"

#include "authn/key_source.h"
#include "base/clock.h"
#include "config/load.h"
#include "gateway/snapshot.h"
#include "json/writer.h"
#include "ratelimit/table.h"
#include "runtime/tls.h"
#include "telemetry/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

namespace portcullis::cli {
namespace {

constexpr std::array kOptions = {kConfigOption, kJsonOption};

// What a configuration that may be run contains.
struct Summary {
  std::size_t apis = 0;
  std::set<std::string> operations;
  std::set<std::string> open;  // operations that need no authentication
};

Summary summarise(const gateway::Snapshot& snapshot) {
  Summary summary;
  summary.apis = snapshot.config().apis.size();
  for (const gateway::Plan& plan : snapshot.plans()) {
    summary.operations.insert(plan.full_operation);
    if (plan.door.open()) summary.open.insert(plan.full_operation);
  }
  return summary;
}

// The services are thrown away: nothing runs by what is compiled here.
std::optional<Summary> compile(const std::string& path, config::Diagnostics& diagnostics) {
  std::optional<config::Config> config = config::load(path, diagnostics);
  if (!config) return std::nullopt;
  telemetry::Registry registry;
  ratelimit::Table limits(Clock::now());
  authn::KeySources keys(0);
  runtime::TicketKeys tickets;
  const std::shared_ptr<const gateway::Snapshot> snapshot = gateway::Snapshot::compile(
      std::move(*config), 1, {registry, limits, keys, tickets}, diagnostics);
  if (snapshot == nullptr) return std::nullopt;
  return summarise(*snapshot);
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

void print_text(const config::Diagnostics& diagnostics, const std::optional<Summary>& summary,
                Console& console) {
  console.err += diagnostics.to_string();
  const auto out = std::back_inserter(console.out);
  if (!summary) {
    fmt::format_to(out, "not ok: {}\n", count(diagnostics.errors(), "error", "errors"));
    return;
  }
  fmt::format_to(out, "ok: {}, {}; ", count(summary->apis, "API", "APIs"),
                 count(summary->operations.size(), "operation", "operations"));
  console.out += (summary->open.empty() ? "none is open without authentication"
                                        : "open without authentication:");
  std::string_view separator = " ";
  for (const std::string& operation : summary->open) {
    fmt::format_to(out, "{}{}", separator, operation);
    separator = ", ";
  }
  if (const std::size_t warnings = count_warnings(diagnostics); warnings > 0) {
    fmt::format_to(out, "; {}", count(warnings, "warning", "warnings"));
  }
  console.out.push_back('\n');
}

void print_json(const config::Diagnostics& diagnostics, const std::optional<Summary>& summary,
                Console& console) {
  json::Writer writer(console.out);
  writer.begin_object().field("ok", summary.has_value());
  if (summary) {
    writer.field("apis", static_cast<std::uint64_t>(summary->apis));
    writer.field("operations", static_cast<std::uint64_t>(summary->operations.size()));
    writer.key("open").begin_array();
    for (const std::string& operation : summary->open) writer.string(operation);
    writer.end_array();
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
  const std::optional<Summary> summary = compile(path, diagnostics);
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
              "as file:line:column. Exits with 0 when the file may be run, else with 2.\n",
          .example = "  portcullis check -c portcullis.yaml\n",
          .options = kOptions,
          .run = check_from};
}

}  // namespace portcullis::cli
