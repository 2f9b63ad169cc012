#include "cli/policy_evaluate.h"

#include "cedar/engine.h"
#include "cedar/entities_json.h"
#include "cedar/request.h"
#include "cli/policy_files.h"
#include "json/writer.h"

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace portcullis::cli {
namespace {

constexpr std::array kOptions = {
    Option{"--policies", 'p', "PATH", "policies: a file, or a folder of .cedar files"},
    Option{"--entities", 'e', "FILE", "entities, in Cedar's JSON; none unless said"},
    Option{"--schema", 's', "FILE", "a schema, which entities and requests must then keep to"},
    Option{"--request", 'r', "FILE", "one request, in Cedar's JSON; - is standard input"},
    Option{"--batch", 'b', "FILE", "many requests, one a line; - is standard input"},
    Option{"--ids", 0, "KIND", "how policies are called: position (unless said) or annotation"},
};

enum class Ids : std::uint8_t { kPosition, kAnnotation };

// What requests are decided with.
struct Bench {
  std::unique_ptr<cedar::PolicySet> policies;
  std::optional<cedar::Schema> schema;
  cedar::Symbols symbols;
  cedar::Entities entities;
  std::unique_ptr<const cedar::Engine> engine;
  Ids ids = Ids::kPosition;
};

// The value of `@id` where that is asked for and is there.
std::string_view name_of(const cedar::CompiledPolicy& policy, Ids ids) {
  const cedar::Annotation* annotation =
      ids == Ids::kAnnotation ? policy.source->annotation("id") : nullptr;
  return annotation != nullptr && annotation->value ? *annotation->value : policy.id;
}

// Adds a line: the decision, or why the request is none. False for the latter.
bool answer(const Bench& bench, std::string_view text, cedar::Decision& decision,
            std::string& out) {
  Arena arena;
  cedar::RequestNames names(bench.symbols, arena);
  const auto request =
      cedar::read_request(text, names, arena, bench.schema ? &*bench.schema : nullptr);
  json::Writer writer(out);
  writer.begin_object();
  if (!request) {
    writer.field("error", cedar::to_string(request.error())).end_object();
    out.push_back('\n');
    return false;
  }
  bench.engine->decide(*request, bench.entities, arena, decision);
  writer.field("decision", decision.allow ? "allow" : "deny");
  writer.key("determining").begin_array();
  for (const std::uint32_t policy : decision.determining)
    writer.string(name_of(bench.engine->policies()[policy], bench.ids));
  writer.end_array().key("errors").begin_array();
  for (const cedar::PolicyError& error : decision.errors)
    writer.string(name_of(bench.engine->policies()[error.policy], bench.ids));
  writer.end_array().end_object();
  out.push_back('\n');
  return true;
}

int say(Console& console, int code, std::string_view what) {
  fmt::format_to(std::back_inserter(console.err), "portcullis: policy evaluate: {}\n", what);
  return code;
}

// kFine, or what to exit with; console.err says why.
int prepare(const Arguments& arguments, Bench& bench, Console& console) {
  int code = kFine;
  if (!arguments.has("--policies"))
    return say(console, kUsage, "say with --policies where the policies are");
  const std::string ids = arguments.value_or("--ids", "position");
  if (ids != "position" && ids != "annotation")
    return say(console, kUsage, "--ids is `position` or `annotation`");
  bench.ids = ids == "annotation" ? Ids::kAnnotation : Ids::kPosition;
  bench.policies = load_policies(arguments.value_or("--policies", ""), console, code);
  if (bench.policies == nullptr) return code;
  if (arguments.has("--schema")) {
    bench.schema = load_schema(arguments.value_or("--schema", ""), console, code);
    if (!bench.schema) return code;
  }
  std::string entities = "[]";
  const std::string path = arguments.value_or("--entities", "");
  if (!path.empty()) {
    auto text = read_text(path);
    if (!text) return say(console, kMachine, text.error().detail);
    entities = std::move(*text);
  }
  auto read =
      cedar::read_entities(entities, bench.symbols, bench.schema ? &*bench.schema : nullptr);
  if (!read)
    return say(console, kUsage, fmt::format("{}: {}", path, cedar::to_string(read.error())));
  bench.entities = std::move(*read);
  bench.engine =
      std::make_unique<const cedar::Engine>(cedar::Engine::compile(*bench.policies, bench.symbols));
  return kFine;
}

int evaluate(const Arguments& arguments, Console& console) {
  const bool batch = arguments.has("--batch");
  if (batch == arguments.has("--request"))
    return say(console, kUsage, "say what to decide, with either --request or --batch");
  Bench bench;
  if (const int code = prepare(arguments, bench, console); code != kFine) return code;
  const auto text = read_text(arguments.value_or(batch ? "--batch" : "--request", ""));
  if (!text) return say(console, kMachine, text.error().detail);
  cedar::Decision decision;
  if (!batch) return answer(bench, *text, decision, console.out) ? kFine : kUsage;
  bool fine = true;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    fine = answer(bench, line, decision, console.out) && fine;
  }
  return fine ? kFine : kUsage;
}

}  // namespace

Command policy_evaluate_command() {
  return {
      .name = "policy evaluate",
      .summary = "decide requests by Cedar policies, without a gateway",
      .about =
          "Prints one line of JSON for each request: the decision, the policies that determine\n"
          "it and those that were skipped because they err. They are called policy0, policy1, …\n"
          "by their position; with --ids annotation by their @id, where they have one.\n"
          "With a schema, entities and requests must keep to it, its actions exist, and values\n"
          "of known types need no escapes. A line that is no valid request gets an `error`.\n"
          "Exits with 0 when every request was decided, else with 2.\n",
      .example =
          "  portcullis policy evaluate -p policies.cedar -e entities.json -r request.json\n",
      .options = kOptions,
      .run = evaluate};
}

}  // namespace portcullis::cli
