#include "cli/explain.h"

#include "base/ip.h"
#include "cli/compiled.h"
#include "cli/request_text.h"
#include "gateway/explain.h"
#include "jose/jwk.h"
#include "json/writer.h"
#include "runtime/certificate_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>
#include <optional>

namespace portcullis::cli {
namespace {

using gateway::Ending;
using gateway::Explanation;

constexpr std::array<std::string_view, 2> kWords = {"METHOD", "URL"};
constexpr std::array kOptions = {
    kConfigOption,
    Option{"--header", 'H', "FIELD", "a field of the request, `Name: value`; as often as wanted",
           true},
    Option{"--token", 0, "TOKEN", "a bearer token; `@FILE` reads it from a file"},
    Option{"--address", 0, "ADDRESS", "who connects; unless said, somebody from outside"},
    Option{"--listener", 0, "NAME", "where the request comes in; unless said, what fits the URL"},
    Option{"--cert", 0, "FILE", "the client certificate (PEM, leaf first) that is shown"},
    Option{"--keys", 0, "FILE", "a JWK set in place of the keys that would be fetched"},
    kJsonOption};

// Somebody from outside that no list of addresses names (RFC 5737); where a listener can be
// reached from this machine alone, this machine.
constexpr std::string_view kAnybody = "192.0.2.1";
constexpr std::string_view kSelf = "127.0.0.1";

// The question with what was taken for granted in it.
struct Asked {
  gateway::Question question;
  std::string shown;  // the URL as it was given, without its query
  std::vector<std::string> notes;
};

std::unexpected<Error> wrong(std::string detail) {
  return fail(ErrorCode::kBadConfig, std::move(detail));
}

Result<IpAddress> choose_client(const Arguments& arguments, const config::Listener& listener) {
  const std::string_view otherwise = listener.address.address.is_loopback() ? kSelf : kAnybody;
  const auto address = IpAddress::parse(arguments.value("--address").value_or(otherwise));
  if (!address) return wrong("--address: expected an address such as `192.0.2.7` or `2001:db8::7`");
  return *address;
}

Result<std::string> read_keys(const Arguments& arguments) {
  const std::optional<std::string_view> path = arguments.value("--keys");
  if (!path) return std::string();
  PC_TRY(std::string text, read_small_file(std::string(*path), jose::kMaximumKeySetSize));
  const Result<jose::KeySet> keys = jose::KeySet::parse(text);
  if (!keys) return wrong("--keys: `" + std::string(*path) + "`: " + keys.error().detail);
  return text;
}

Result<Asked> ask(const Arguments& arguments, const gateway::Snapshot& snapshot) {
  RequestWords words{.method = arguments.words()[0],
                     .url = arguments.words()[1],
                     .fields = arguments.values("--header"),
                     .token = arguments.value("--token"),
                     .listener = arguments.value("--listener")};
  PC_TRY(RequestText text, make_request(words, snapshot));
  Asked asked;
  asked.question.head = std::move(text.head);
  asked.question.listener = text.listener;
  asked.notes = std::move(text.notes);
  asked.shown = std::move(text.shown);
  const config::Listener& listener = snapshot.listeners()[text.listener].config;
  PC_TRY(asked.question.client, choose_client(arguments, listener));
  PC_TRY(asked.question.keys, read_keys(arguments));
  asked.question.server_name = std::move(text.server_name);
  if (const auto file = arguments.value("--cert")) {
    if (!listener.tls) return wrong("--cert: the listener " + listener.name + " has no `tls`");
    PC_TRY(asked.question.certificates, runtime::load_shown_certificates(std::string(*file)));
  }
  return asked;
}

// ---- for people

constexpr std::size_t kWidest = 76;  // of what stands before a line's place

std::size_t width_of_facts(const Explanation& explanation) {
  std::size_t width = 0;
  for (const gateway::ExplainedStep& step : explanation.steps)
    for (const gateway::Fact& fact : step.facts)
      if (!fact.at.empty() && fact.what.size() <= kWidest)
        width = std::max(width, fact.what.size());
  return width;
}

void print_steps(const Explanation& explanation, std::string& out) {
  const auto to = std::back_inserter(out);
  const std::size_t width = width_of_facts(explanation);
  for (const gateway::ExplainedStep& step : explanation.steps) {
    const std::string outcome = !step.refused ? std::string("ok")
                                : explanation.status == 0
                                    ? std::string("closed")
                                    : fmt::format("refused {}", explanation.status);
    std::string lead = fmt::format("{:>3} {:<14}{:<13}", step.number, step.name, outcome);
    if (step.facts.empty()) fmt::format_to(to, "{}nothing to ask\n", lead);
    for (const gateway::Fact& fact : step.facts) {
      out += lead;
      if (fact.at.empty()) {
        fmt::format_to(to, "{}\n", fact.what);
      } else {
        fmt::format_to(to, "{:<{}}  {}\n", fact.what, width, fact.at);
      }
      lead.assign(lead.size(), ' ');
    }
  }
}

// A certificate in a field is longer than anybody reads.
std::string shortened(const std::string& value) {
  constexpr std::size_t kMost = 200;
  return value.size() <= kMost ? value : value.substr(0, kMost) + "…";
}

void print_upstream(const gateway::UpstreamRequest& upstream, std::string& out) {
  const auto to = std::back_inserter(out);
  fmt::format_to(to, "yes: the upstream {} gets it, at {}\n\n", upstream.upstream,
                 fmt::join(upstream.targets, " or "));
  fmt::format_to(to, "  {}\n", upstream.line);
  for (const auto& [name, value] : upstream.written)
    fmt::format_to(to, "  {}: {}\n", name, shortened(value));
  if (!upstream.passed.empty())
    fmt::format_to(to, "\n  as they came: {}\n", fmt::join(upstream.passed, ", "));
  if (!upstream.removed.empty())
    fmt::format_to(to, "{}  removed: {}\n", upstream.passed.empty() ? "\n" : "",
                   fmt::join(upstream.removed, ", "));
}

void print_answer(const Explanation& explanation, std::string& out) {
  const auto to = std::back_inserter(out);
  const bool no = explanation.ending == Ending::kRefused;
  if (explanation.status == 0) {
    out += "no: the handshake ends, and the connection is closed\n";
    return;
  }
  fmt::format_to(to, "{}: the client gets {}", no ? "no" : "yes", explanation.status);
  if (!explanation.problem.empty())
    fmt::format_to(to, " urn:portcullis:problem:{} ({})", explanation.problem, explanation.title);
  out += '\n';
  for (const auto& [name, value] : explanation.answer)
    fmt::format_to(to, "  {}: {}\n", name, value);
}

void print_text(const Asked& asked, const Explanation& explanation,
                const config::Listener& listener, const std::string& listener_at,
                std::string& out) {
  const auto to = std::back_inserter(out);
  fmt::format_to(to, "{} on the listener {} ({}), from {}\n", asked.shown, listener.name,
                 listener_at, asked.question.client.to_string());
  for (const std::string& note : asked.notes) fmt::format_to(to, "note: {}\n", note);
  for (const std::string& note : explanation.notes) fmt::format_to(to, "note: {}\n", note);
  out += '\n';
  print_steps(explanation, out);
  out += '\n';
  if (explanation.ending == Ending::kForwarded) {
    print_upstream(explanation.upstream, out);
  } else {
    print_answer(explanation, out);
  }
}

// ---- for programs

void put_pairs(json::Writer& writer, std::string_view key,
               const std::vector<std::pair<std::string, std::string>>& pairs) {
  writer.key(key).begin_array();
  for (const auto& [name, value] : pairs)
    writer.begin_object().field("name", name).field("value", value).end_object();
  writer.end_array();
}

void put_texts(json::Writer& writer, std::string_view key, const std::vector<std::string>& texts) {
  writer.key(key).begin_array();
  for (const std::string& text : texts) writer.string(text);
  writer.end_array();
}

void put_steps(json::Writer& writer, const Explanation& explanation) {
  writer.key("steps").begin_array();
  for (const gateway::ExplainedStep& step : explanation.steps) {
    writer.begin_object().field("number", step.number).field("step", step.name);
    writer.field("outcome", step.refused ? "refused" : "ok").key("facts").begin_array();
    for (const gateway::Fact& fact : step.facts)
      writer.begin_object().field("what", fact.what).field("at", fact.at).end_object();
    writer.end_array().end_object();
  }
  writer.end_array();
}

void print_json(const Asked& asked, const Explanation& explanation,
                const config::Listener& listener, std::string& out) {
  json::Writer writer(out);
  writer.begin_object().field("allowed", explanation.ending != Ending::kRefused);
  writer.field("listener", listener.name);
  writer.field("client", asked.question.client.to_string());
  put_steps(writer, explanation);
  if (explanation.ending == Ending::kForwarded) {
    const gateway::UpstreamRequest& upstream = explanation.upstream;
    writer.key("upstream").begin_object().field("name", upstream.upstream);
    writer.field("at", upstream.at).field("line", upstream.line);
    put_texts(writer, "targets", upstream.targets);
    put_pairs(writer, "written", upstream.written);
    put_texts(writer, "passed", upstream.passed);
    put_texts(writer, "removed", upstream.removed);
    writer.end_object();
  } else {
    writer.key("answer").begin_object().field("status", explanation.status);
    if (!explanation.problem.empty())
      writer.field("type", "urn:portcullis:problem:" + std::string(explanation.problem));
    if (explanation.ending == Ending::kRefused) {
      writer.field("rule", explanation.rule).field("reason", explanation.reason);
    }
    put_pairs(writer, "fields", explanation.answer);
    writer.end_object();
  }
  std::vector<std::string> notes = asked.notes;
  notes.insert(notes.end(), explanation.notes.begin(), explanation.notes.end());
  put_texts(writer, "notes", notes);
  writer.end_object();
  out += '\n';
}

int explain(const Arguments& arguments, Console& console) {
  config::Diagnostics diagnostics;
  const std::unique_ptr<const Compiled> compiled =
      Compiled::from_file(arguments.value_or("--config", kDefaultConfig), diagnostics);
  if (compiled == nullptr) {
    console.err += diagnostics.to_string();
    return kUsage;
  }
  const Result<Asked> asked = ask(arguments, *compiled->snapshot());
  if (!asked) {
    fmt::format_to(std::back_inserter(console.err), "portcullis: explain: {}\n",
                   asked.error().detail);
    return kUsage;
  }
  const Explanation explanation =
      gateway::explain(asked->question, compiled->snapshot(), diagnostics);
  const config::Listener& listener =
      compiled->snapshot()->listeners()[asked->question.listener].config;
  if (arguments.has("--json")) {
    print_json(*asked, explanation, listener, console.out);
  } else {
    print_text(*asked, explanation, listener, diagnostics.line_of("listeners." + listener.name),
               console.out);
  }
  return explanation.ending == Ending::kRefused ? kNo : kFine;
}

}  // namespace

Command explain_command() {
  return {.name = "explain",
          .summary = "say what would become of a request, step by step, and by which line",
          .about =
              "Walks the request's way against the configuration, by the code that serves: each\n"
              "step, what it decides, and the line that it decides by; then what the client would\n"
              "get, or what the upstream would be sent. Nothing is sent and nothing is fetched.\n"
              "Limits are named, and their counts are those of a first request. No token or key\n"
              "is printed. The URL may be a path alone, with -H 'Host: …' or without.\n"
              "Exits with 0 when the request would be let through, with 1 when it would be\n"
              "refused, with 2 when the command line or the configuration is wrong.\n",
          .example =
              "  portcullis explain GET https://shop.example.com/v1/orders/7 --token @token.txt\n"
              "  portcullis explain DELETE /v1/orders/7 -H 'Host: shop.example.com' --json\n",
          .options = kOptions,
          .words = kWords,
          .run = explain};
}

}  // namespace portcullis::cli
