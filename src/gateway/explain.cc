#include "gateway/explain.h"

#include "base/check.h"
#include "gateway/explain_facts.h"
#include "gateway/problem.h"
#include "gateway/serve.h"
#include "gateway/upstream_head.h"
#include "gateway/witness.h"
#include "http/head.h"
#include "http/server.h"
#include "runtime/client_certificate.h"
#include "runtime/resolver.h"
#include "runtime/stream.h"
#include "runtime/trust.h"
#include "upstream/pools.h"

#include <algorithm>
#include <array>
#include <span>
#include <sys/socket.h>

namespace portcullis::gateway {
namespace {

constexpr std::chrono::seconds kPatience{30};  // far more than deciding takes

constexpr std::array kWay = {Step::kRead,  Step::kRoute,     Step::kAdmit,    Step::kAuthenticate,
                             Step::kLimit, Step::kAuthorize, Step::kValidate, Step::kForward};

int step_number(Step step) {
  switch (step) {
    case Step::kRead:
      return 2;
    case Step::kRoute:
      return 3;
    case Step::kAdmit:
      return 4;
    case Step::kAuthenticate:
      return 5;
    case Step::kLimit:
      return 6;
    case Step::kAuthorize:
      return 7;
    case Step::kValidate:
      return 8;
    case Step::kForward:
      return 11;
  }
  return 0;
}

// Names under which credentials travel: their values are never shown.
bool is_credential(std::string_view name) {
  return name == "authorization" || name == "proxy-authorization" || name == "cookie";
}

// `GET /orders?… HTTP/1.1`: people put tokens into queries.
std::string without_query(std::string_view line) {
  const std::size_t query = line.find('?');
  const std::size_t end = line.rfind(' ');
  if (query == std::string_view::npos) return std::string(line);
  std::string shown(line.substr(0, query + 1));
  if (end > query + 1) shown += "…";
  return shown.append(line.substr(end));
}

// The head that goes upstream, whatever its form. The fields' views are of the head.
struct HeadLines {
  std::string first;
  std::vector<std::pair<std::string_view, std::string_view>> fields;
};

HeadLines lines_of(const http::RequestHead& head) {
  HeadLines lines;
  if (head.text.empty()) {
    std::string_view method;
    std::string_view path;
    for (const http::Field& field : head.fields) {
      if (field.name == ":method") method = field.value;
      if (field.name == ":path") path = field.value;
      if (!field.name.starts_with(':')) lines.fields.emplace_back(field.name, field.value);
      if (field.name == ":authority") lines.fields.emplace_back("host", field.value);
    }
    lines.first = std::string(method).append(" ").append(path).append(" HTTP/2");
    return lines;
  }
  std::string_view text = head.text;
  lines.first = text.substr(0, text.find("\r\n"));
  text.remove_prefix(lines.first.size() + 2);
  while (!text.starts_with("\r\n")) {
    const std::string_view line = text.substr(0, text.find("\r\n"));
    text.remove_prefix(line.size() + 2);
    const std::size_t colon = line.find(": ");
    lines.fields.emplace_back(line.substr(0, colon), line.substr(colon + 2));
  }
  return lines;
}

// ---- what is written down while the request goes its way

class Recorder final : public Witness {
 public:
  Recorder(const Question& question, const FactFinder& facts, Explanation& explanation)
      : question_(question), facts_(facts), explanation_(explanation) {}

  std::optional<Result<authn::IdentityRef>> keys_wanted(const Plan& plan,
                                                        http::Exchange& exchange) override {
    // With keys at hand, those were not enough: asking for others, which fails, says so.
    if (!question_.keys.empty()) return std::nullopt;
    Result<authn::IdentityRef> presumed =
        plan.door.presume(exchange.request().fields, exchange.loop().wall_now());
    for (const authn::Authenticator* const issuer : plan.door.issuers()) {
      if (!presumed || issuer->name != (*presumed)->authenticator) continue;
      unchecked_ = "the signature was not checked: the keys of " +
                   issuer->jwt()->keys->settings().url + " are not fetched; --keys FILE gives them";
      explanation_.notes.push_back(unchecked_);
    }
    return presumed;
  }

  void forwarded(const Forwarding& forwarding) override {
    explanation_.ending = Ending::kForwarded;
    const Plan& plan = forwarding.plan;
    UpstreamRequest& sent = explanation_.upstream;
    sent.upstream = plan.upstream_name;
    sent.at = facts_.line_of("upstreams." + plan.upstream_name);
    const http::Request& request = forwarding.exchange.request();
    const UpstreamHead head(forwarding);
    const HeadLines lines = lines_of(head.view());
    sent.line = without_query(lines.first);
    compare(request, lines.fields, sent);
  }

  void ended(const Account& account) override {
    write_steps(account, nullptr);
    if (explanation_.ending != Ending::kAnswered) return;
    for (Fact& fact : facts_.of_answer(account))
      explanation_.steps.back().facts.push_back(std::move(fact));
  }

  void refused(const Account& account, const Error& error) override {
    const ProblemKind kind = problem_kind(error.code);
    explanation_.ending = Ending::kRefused;
    explanation_.status = kind.status;
    explanation_.problem = kind.slug;
    explanation_.title = kind.title;
    explanation_.reason = error.detail;
    explanation_.rule = error.rule;
    write_steps(account, &error);
  }

 private:
  void write_steps(const Account& account, const Error* error) {
    const http::Request& request = account.exchange().request();
    for (const Step step : kWay) {
      const bool last = step == account.step;
      ExplainedStep written{.number = step_number(step),
                            .name = step_name(step),
                            .refused = last && error != nullptr,
                            .facts = {}};
      written.facts = written.refused ? facts_.of_refusal(account, *error, request)
                                      : facts_.of(step, account, request);
      if (step == Step::kAuthenticate && !written.refused && !unchecked_.empty())
        written.facts.push_back({unchecked_, {}});
      explanation_.steps.push_back(std::move(written));
      if (last) break;
    }
  }

  // Which fields go on as they came, which are ours, and which stay here.
  static void compare(const http::Request& request,
                      const std::vector<std::pair<std::string_view, std::string_view>>& lines,
                      UpstreamRequest& sent) {
    const auto came = [&](std::string_view name, std::string_view value) {
      return std::ranges::any_of(request.fields, [&](const http::Field& field) {
        return field.name == name && field.value == value;
      });
    };
    for (const auto& [name, value] : lines) {
      if (came(name, value)) {
        sent.passed.emplace_back(name);
      } else if (name == "x-request-id") {
        sent.written.emplace_back(name, "of each request its own");
      } else {
        sent.written.emplace_back(name, is_credential(name) ? "(not shown)" : value);
      }
    }
    for (const http::Field& field : request.fields) {
      const bool goes =
          std::ranges::any_of(lines, [&](const auto& line) { return line.first == field.name; });
      const bool said = std::ranges::find(sent.removed, field.name) != sent.removed.end();
      if (!goes && !said) sent.removed.emplace_back(field.name);
    }
  }

  const Question& question_;
  const FactFinder& facts_;
  Explanation& explanation_;
  std::string unchecked_;  // why the signature of the token was not
};

// ---- the stage: a listener with one connection, within this process

class Stage final : public http::ServerContext, public http::Handler {
 public:
  Stage(const Question& question, const std::shared_ptr<const Snapshot>& snapshot, Witness& witness,
        runtime::ClientCertificate* certificate)
      : question_(question),
        listener_(snapshot->listeners()[question.listener]),
        services_{.ledger = Ledger(registry_, nullptr),
                  .authentication = authn::WorkerState(HashKey::random()),
                  .key_refresher = authn::LoopKeyRefresher(loop_, fail_fetch),
                  .request_ids = RequestIds(1),
                  .codecs = Codecs(registry_),
                  .streams = OpenStreams(registry_),
                  .guard = guard_,
                  .offences = Offences(guard_.bans, registry_, nullptr),
                  .witness = &witness} {
    LocalSnapshot local;
    local.snapshot = snapshot;
    const std::shared_ptr<const TlsContexts> tls = snapshot->tls();
    local.upstreams = pools_.adopt(snapshot->config().upstreams, [&](const std::string& upstream) {
      return tls->upstream(upstream);
    });
    for (std::size_t i = 0; i < local.upstreams.size(); ++i) {
      local.upstream_seconds.push_back(registry_.histogram("upstream_seconds", "", {}));
    }
    for (const ListenerPlan& listener : snapshot->listeners())
      local.ports.push_back(listener.config.address.port);
    local_ = SnapshotRef(std::move(local));
    info_.peer = {question.client, 0};
    if (listener_.config.tls) {
      info_.scheme = http::Scheme::kHttps;
      info_.tls_version = "TLSv1.3";
      info_.certificate = certificate;
    }
    if (!question.keys.empty()) give_keys();
  }

  // What the client got.
  std::string play() {
    TaskGroup playing;
    playing.spawn(converse());
    loop_.run();
    return std::move(answer_);
  }

  [[nodiscard]] const http::ServerSettings& settings() const override { return listener_.settings; }
  http::Handler& handler() override { return *this; }
  [[nodiscard]] bool draining() const override { return true; }  // after the first request
  [[clang::coro_wrapper]] Task<void> handle(http::Exchange& exchange) override {
    return serve(exchange, local_, question_.listener, services_);
  }
  [[clang::coro_wrapper]] Task<void> handle_unreadable(http::Exchange& exchange,
                                                       const Error& error) override {
    return serve_unreadable(exchange, local_, question_.listener, services_, error);
  }

 private:
  static void fail_fetch(const std::shared_ptr<authn::KeySource>& source) {
    if (source->begin_requested_fetch()) source->fetch_failed("nothing is fetched", Clock::now());
  }

  void give_keys() {
    for (const authn::Authenticator& each : local_->snapshot->authenticators().all()) {
      if (each.jwt() == nullptr || !each.jwt()->keys->begin_fetch()) continue;
      PC_CHECK(each.jwt()->keys->fetch_succeeded(question_.keys, loop_.now()));
    }
  }

  Task<void> serve_connection(int fd) {
    runtime::Stream stream(loop_, fd, info_.peer);
    http::Activity activity(nullptr, loop_.now());
    co_await http::serve_http1(stream, *this, info_, activity);
  }

  Task<void> converse() {
    int ends[2];
    PC_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
    TaskGroup serving;
    serving.spawn(serve_connection(ends[1]));
    runtime::Stream client(loop_, ends[0], {});
    const TimePoint deadline = loop_.now() + kPatience;
    std::string head = question_.head;
    iovec part{head.data(), head.size()};
    // An answer may come before all of it was read.
    (void)co_await client.write(std::span(&part, 1), deadline);
    client.shutdown_write();
    std::array<char, 4096> buffer;
    for (;;) {
      const Result<std::size_t> n = co_await client.read(buffer, deadline);
      if (!n || *n == 0) break;
      answer_.append(buffer.data(), *n);
    }
    co_await serving.join();
    loop_.stop();
  }

  const Question& question_;
  const ListenerPlan& listener_;
  telemetry::Registry registry_;
  Loop loop_;
  runtime::Resolver resolver_{loop_};
  upstream::Standings standings_;
  upstream::Pools pools_{loop_, resolver_, standings_};
  Guard guard_{Clock::now()};  // nobody is banned, and there is room
  WorkerServices services_;
  SnapshotRef local_;
  http::ConnectionInfo info_;
  std::string answer_;
};

// The gateway's own answer, as the client reads it.
void read_answer(std::string text, Explanation& explanation) {
  http::HeadScanner scanner;
  const std::size_t size = scanner.scan(text).value_or(std::nullopt).value_or(0);
  if (size == 0) return;
  Arena arena;
  http::Response response(arena);
  if (!http::parse_response_head({text.data(), size}, {}, http::Method::kGet, response)) return;
  explanation.status = response.status;
  constexpr std::array<std::string_view, 5> kOfEachAnswer = {"connection", "content-length", "date",
                                                             "x-request-id", "cache-control"};
  for (const http::Field& field : response.fields) {
    if (std::ranges::find(kOfEachAnswer, field.name) != kOfEachAnswer.end()) continue;
    if (!explanation.problem.empty() && field.name == "content-type") continue;
    explanation.answer.emplace_back(field.name, field.value);
  }
}

// The handshake's part in it, by the code that judges there. Null when nobody looks at it, or when
// the handshake ends: then the explanation is complete.
std::unique_ptr<runtime::ClientCertificate> show_certificate(const Question& question,
                                                             const Snapshot& snapshot,
                                                             const FactFinder& facts,
                                                             Explanation& explanation) {
  const std::string& name = snapshot.listeners()[question.listener].config.name;
  const auto context = snapshot.tls()->listener(name);
  if (context == nullptr || context->clients() == nullptr) {
    explanation.notes.push_back("the listener " + name +
                                " asks for no client certificate: it has no `tls.client_ca`");
    return nullptr;
  }
  const auto& shown = question.certificates;
  const std::span behind(shown.begin() + 1, shown.end());
  const Result<WallTime> good = context->clients()->verify(*shown.front(), behind);
  std::string rule = "listeners." + name + ".tls.client_ca";
  ExplainedStep accept{.number = 1, .name = "accept", .refused = !good, .facts = {}};
  if (!good) {
    // Good but for the lists: then it is they that refuse it.
    if (context->clients()->without_lists()->verify(*shown.front(), behind))
      rule = "listeners." + name + ".tls.client_crl";
    explanation.ending = Ending::kRefused;
    explanation.rule = rule;
    explanation.reason = good.error().detail;
    accept.facts.push_back({rule + ": " + explanation.reason, facts.line_of(rule)});
    explanation.steps.push_back(std::move(accept));
    return nullptr;
  }
  accept.facts.push_back({rule + ": the client certificate is good", facts.line_of(rule)});
  explanation.steps.push_back(std::move(accept));
  std::vector<runtime::CertificatePtr> intermediates;
  for (const auto& each : behind) intermediates.push_back(runtime::share(each.get()));
  return std::make_unique<runtime::ClientCertificate>(
      runtime::share(shown.front().get()), std::move(intermediates), question.server_name,
      context->clients(), *good);
}

}  // namespace

Explanation explain(const Question& question, const std::shared_ptr<const Snapshot>& snapshot,
                    const config::Diagnostics& places) {
  Explanation explanation;
  explanation.ending = Ending::kAnswered;
  const FactFinder facts(*snapshot, places, question.listener);
  std::unique_ptr<runtime::ClientCertificate> certificate;
  if (!question.certificates.empty()) {
    certificate = show_certificate(question, *snapshot, facts, explanation);
    if (explanation.ending == Ending::kRefused) return explanation;
  }
  Recorder recorder(question, facts, explanation);
  Stage stage(question, snapshot, recorder, certificate.get());
  read_answer(stage.play(), explanation);
  if (explanation.ending == Ending::kForwarded) {
    for (const config::Upstream& upstream : snapshot->config().upstreams) {
      if (upstream.name != explanation.upstream.upstream) continue;
      for (const config::Text& target : upstream.targets)
        explanation.upstream.targets.push_back(target.value);
    }
  }
  return explanation;
}

}  // namespace portcullis::gateway
