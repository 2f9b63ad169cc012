#include "gateway/serve.h"

#include "gateway/client_address.h"
#include "gateway/decompress.h"
#include "gateway/forward.h"
#include "gateway/grpc.h"
#include "gateway/own_answer.h"
#include "gateway/problem.h"
#include "gateway/upgrade.h"
#include "gateway/witness.h"
#include "ratelimit/fields.h"

#include <algorithm>
#include <string>
#include <utility>

namespace portcullis::gateway {
namespace {

// One request in hand: what its steps share.
struct Passage {
  http::Exchange& exchange;
  const LocalSnapshot& local;
  const ListenerPlan& listener;
  WorkerServices& worker;
  Account& account;
  ratelimit::Verdict verdict = {};  // of the tightest limit that was asked
  std::string allow = {};           // the methods, when that is the refusal
  AnswerFields fields;              // of every answer
  bool preflight = false;           // the plan is that of the request that it asks for
  overload::Inside inside = {};     // what it holds a place of
  std::optional<TimePoint> banned_until = {};
  coding::Coding body_coding = coding::Coding::kIdentity;

  [[nodiscard]] const Snapshot& snapshot() const { return *local.snapshot; }
};

// ---- before the first step: who, and under which id

void identify_request(Passage& passage) {
  const http::Request& request = passage.exchange.request();
  const auto& trusted = passage.snapshot().config().trusted_proxies;
  const IpAddress& peer = passage.exchange.connection().peer.address;
  passage.account.client = client_address(peer, trusted, request.fields);
  const http::Field* given = request.fields.find(http::FieldId::kXRequestId);
  if (given != nullptr && is_request_id(given->value) && is_trusted(peer, trusted)) {
    passage.account.request_id = given->value;
    return;
  }
  const RequestIds::Text made = passage.worker.request_ids.next();
  passage.account.request_id = passage.exchange.arena().copy({made.data(), made.size()});
}

// ---- the steps

// The plan of the request that a preflight asks for, where the gateway answers for it.
const Plan* find_preflighted(const Passage& passage, std::string_view method) {
  const http::Request& request = passage.exchange.request();
  std::string unused;
  const auto match = passage.listener.router.match(request.host, request.path,
                                                   http::parse_method(method), method, unused);
  if (!match) return nullptr;
  const Plan& plan = passage.snapshot().plans()[match->plan];
  return plan.shape.cors != nullptr ? &plan : nullptr;
}

// A client shows its certificate to the host that it asks for in its handshake, and for a request
// to another the certificate says nothing (RFC 9110 15.5.20; CVE-2025-23048). Who connects to an
// address names no host (RFC 6066 3), and the address is then what it may ask for.
Result<void> check_host_of_certificate(const Passage& passage, const Plan& plan) {
  const runtime::ClientCertificate* certificate = passage.exchange.connection().certificate;
  if (certificate == nullptr || !plan.reads_certificate) return {};
  std::string_view host = passage.exchange.request().host;
  const std::string& asked = certificate->server_name();
  if (!asked.empty() && asked == host) return {};
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  if (asked.empty() && IpAddress::parse(host)) return {};
  return refuse(ErrorCode::kMisdirected,
                "the client certificate was shown to `" + asked + "`, not to this host");
}

// 3: listener, host, path and method to a plan.
Result<const Plan*> route(Passage& passage) {
  passage.account.step = Step::kRoute;
  const http::Request& request = passage.exchange.request();
  const std::string_view asked = preflight_method(request);
  const Plan* plan = asked.empty() ? nullptr : find_preflighted(passage, asked);
  passage.preflight = plan != nullptr;
  if (plan == nullptr) {
    Result<Match> match = passage.listener.router.match(request.host, request.path, request.method,
                                                        request.method_text, passage.allow);
    if (!match) {
      // Nothing else speaks for the path; and no page reads the answer to its preflight.
      if (asked.empty())
        passage.fields.cors = find_cors(passage.listener.cors_places, request.host, request.path);
      return std::unexpected(std::move(match).error());
    }
    plan = &passage.snapshot().plans()[match->plan];
  }
  passage.account.plan = plan;
  passage.fields.cors = plan->shape.cors.get();
  passage.fields.edits = plan->shape.response.get();
  PC_CHECK_OK(check_host_of_certificate(passage, *plan));
  return plan;
}

ratelimit::Attributes attributes_of(const Passage& passage, const Plan& plan) {
  ratelimit::Attributes attributes;
  attributes.address = passage.account.client;
  attributes.operation = plan.full_operation;
  if (const authn::IdentityRef& identity = passage.account.identity) {
    attributes.subject = identity->subject;
    attributes.key = identity->key;
    attributes.claims = identity->claims;
  }
  return attributes;
}

Result<void> judge(Passage& passage, const ratelimit::Verdict& verdict) {
  passage.verdict = ratelimit::tighter(passage.verdict, verdict);
  if (verdict.allowed) return {};
  passage.verdict = verdict;
  return std::unexpected(ratelimit::refusal(verdict));
}

// Whether the request asks for a protocol that the route permits. What it asks for beyond is as if
// it had not asked.
void find_upgrade(Passage& passage, const Plan& plan) {
  passage.account.upgrade = choose_protocol(passage.exchange.request().upgrade, plan.upgrades);
  if (!passage.account.upgrade.empty()) passage.exchange.expect_tunnel();
}

// Before all else: whose connection was there before the ban, and who comes by a proxy that others
// use too, cannot be refused at accept.
Result<void> check_ban(Passage& passage) {
  passage.account.step = Step::kAdmit;
  passage.banned_until =
      passage.worker.guard.bans.find(passage.account.client, passage.exchange.loop().now());
  if (!passage.banned_until) [[likely]]
    return {};
  return refuse(ErrorCode::kBanned, "the client's address is banned", "bans");
}

Result<void> check_ban_of_key(Passage& passage) {
  const authn::IdentityRef& identity = passage.account.identity;
  if (!identity || identity->key.empty()) return {};
  passage.banned_until =
      passage.worker.guard.bans.find_key(identity->subject, passage.exchange.loop().now());
  if (!passage.banned_until) [[likely]]
    return {};
  return refuse(ErrorCode::kBanned, "the API key is banned", "bans");
}

// 4: addresses, and limits that need no identity, so that a flood costs no signature check; then
// whether there is room for it.
Result<void> admit(Passage& passage, const Plan& plan) {
  passage.account.step = Step::kAdmit;
  for (const auto& rule : plan.shape.addresses) PC_CHECK_OK(rule->check(passage.account.client));
  PC_CHECK_OK(judge(passage, plan.limits.admit_unidentified(attributes_of(passage, plan),
                                                            passage.exchange.loop().now())));
  if (!passage.worker.guard.memory.admits(plan.priority)) [[unlikely]]
    return fail(ErrorCode::kOverloaded, "the memory's ceiling is near", ErrorSource::kInternal,
                "memory.ceiling");
  for (const overload::ConcurrencyGate& gate : plan.gates) PC_CHECK_OK(passage.inside.enter(gate));
  return {};
}

// Before 9: whether the upstream can have one more.
Result<void> check_upstream(Passage& passage, const Plan& plan) {
  if (plan.upstream_gate) PC_CHECK_OK(passage.inside.enter(*plan.upstream_gate));
  if (passage.local.shedders.empty()) return {};
  UpstreamShedder& shedder = *passage.local.shedders[plan.upstream];
  PC_CHECK_OK(shedder.admit(plan.priority));
  const auto index = static_cast<std::size_t>(&plan - passage.snapshot().plans().data());
  Passing& passing = passage.account.passing;
  passing.enter(shedder, (*passage.local.baselines)[index]);
  if (passage.exchange.request().body == http::BodyKind::kNone)
    passing.sent(passage.exchange.loop().now());
  return {};
}

// An API that is down on purpose asks nobody who they are. A preflight has been answered before, so
// that a page can read the 503.
Result<void> check_maintenance(const Plan& plan) {
  if (plan.shape.maintenance == nullptr) return {};
  return fail(ErrorCode::kMaintenance, "the API is down for maintenance", ErrorSource::kInternal,
              "apis." + plan.api + ".maintenance");
}

// The scheme is asked for by few routes, and found for these alone.
authn::Caller caller_of(const Passage& passage, const Plan& plan) {
  const http::Request& request = passage.exchange.request();
  authn::Caller caller{request, passage.account.client, request.scheme,
                       passage.exchange.connection().certificate};
  if (plan.door.takes_cookies()) {
    caller.scheme = client_scheme(passage.exchange.connection().peer.address,
                                  passage.snapshot().config().trusted_proxies, request);
  }
  return caller;
}

// 5: who is it. Waits only when keys of an issuer must be fetched first.
std::optional<Result<authn::IdentityRef>> try_authenticate(Passage& passage, const Plan& plan) {
  passage.account.step = Step::kAuthenticate;
  Loop& loop = passage.exchange.loop();
  return plan.door.try_authenticate(caller_of(passage, plan), passage.worker.authentication,
                                    loop.wall_now(), loop.now());
}

// Behind this nobody sees a key that came in the query: what is forwarded, answered and counted is
// the address without it.
void hide_keys(Passage& passage, const Plan& plan) {
  http::Request& request = passage.exchange.request();
  if (plan.forward.removed_parameters.empty() || !request.has_query) return;
  request.query = authn::without_parameters(request.query, plan.forward.removed_parameters,
                                            passage.exchange.arena());
  request.has_query = !request.query.empty();
}

// 6: limits by identity.
Result<void> limit(Passage& passage, const Plan& plan) {
  passage.account.step = Step::kLimit;
  return judge(passage, plan.limits.admit_identified(attributes_of(passage, plan),
                                                     passage.exchange.loop().now()));
}

// 7: what no role permits is refused.
Result<void> authorize(Passage& passage, const Plan& plan) {
  passage.account.step = Step::kAuthorize;
  if (plan.door.open()) return {};
  return plan.permit->check(passage.account.identity->role_ids);
}

Result<void> check_upgrade(Passage& passage, const Plan& plan) {
  const http::Request& request = passage.exchange.request();
  if (passage.account.upgrade.empty()) {
    return refuse(ErrorCode::kNotImplemented, "asks for a protocol that the route does not permit",
                  "apis." + plan.api + ".upgrade");
  }
  Result<void> checked = check_upgrade_request(request, passage.account.upgrade);
  if (!checked) checked.error().rule = "apis." + plan.api + ".upgrade";
  if (!checked || plan.shape.cors == nullptr) return checked;
  return check_upgrade_origin(request, *plan.shape.cors);
}

// 8: the body's size, as far as it is announced (a chunked body is counted while it passes), and
// its coding.
Result<void> check_body(Passage& passage, const Plan& plan) {
  passage.account.step = Step::kValidate;
  if (!passage.account.upgrade.empty() || passage.exchange.request().upgrade_only) [[unlikely]]
    return check_upgrade(passage, plan);
  if (passage.exchange.request().content_length > plan.body_size) {
    return refuse(ErrorCode::kContentTooLarge, "content-length exceeds `body_size`");
  }
  if (plan.coding.requests != config::CodedBody::kPass) {
    PC_TRY(passage.body_coding, coding_of_body(plan, passage.exchange.request()));
  }
  return {};
}

// ---- answers of our own

Task<Result<void>> send(Passage& passage, http::Response& head, std::string_view body) {
  http::Exchange& exchange = passage.exchange;
  head.fields.add("x-request-id", passage.account.request_id);
  add_limit_fields(head.fields, passage.verdict, exchange.arena());
  passage.fields.add_to(head.fields, exchange, passage.account, Maker::kGateway);
  co_return co_await exchange.respond(head, body, http::More::kNo);
}

Task<Result<void>> answer_preflight(Passage& passage, const Plan& plan) {
  http::Response head(passage.exchange.arena());
  PC_CO_CHECK(fill_preflight(plan.shape, passage.exchange, head));
  passage.fields.cors = nullptr;  // all is said
  co_return co_await send(passage, head, {});
}

Task<Result<void>> answer_ourselves(Passage& passage, const Plan& plan) {
  http::Response head(passage.exchange.arena());
  const std::string_view body =
      fill_own_answer(plan.shape, passage.exchange, passage.account, head);
  co_return co_await send(passage, head, body);
}

// A listener with `redirect_https` has nothing else to say.
Task<Result<void>> redirect_to_https(Passage& passage) {
  passage.account.step = Step::kRoute;
  const http::Request& request = passage.exchange.request();
  const auto listener = passage.snapshot().https_hosts().find(request.host);
  if (!listener)
    co_return refuse(ErrorCode::kMisdirected, "no API on a listener with TLS has this host",
                     "listeners." + passage.listener.config.name + ".redirect_https");
  const auto& said = passage.listener.config.redirect_https.port;
  const std::string location =
      https_location(request.host, said.value_or(passage.local.ports[*listener]), request.path,
                     request.has_query ? std::optional(request.query) : std::nullopt);
  http::Response head(passage.exchange.arena());
  head.status = 308;
  head.fields.add("location", location);
  co_return co_await send(passage, head, {});
}

// The client certificate, where that is what let the request in.
runtime::ClientCertificate* certificate_of(const Passage& passage) {
  const authn::IdentityRef& identity = passage.account.identity;
  const bool by_certificate = identity && identity->kind == authn::Identity::Kind::kCertificate;
  return by_certificate ? passage.exchange.connection().certificate : nullptr;
}

Task<Result<void>> answer(Passage& passage) {
  PC_CO_CHECK(check_ban(passage));
  if (passage.listener.config.redirect_https.on) co_return co_await redirect_to_https(passage);
  PC_CO_TRY(const Plan* const found, route(passage));  // 3
  const Plan& plan = *found;
  if (!passage.exchange.request().upgrade.empty()) [[unlikely]]
    find_upgrade(passage, plan);
  PC_CO_CHECK(admit(passage, plan));  // 4
  if (passage.preflight) co_return co_await answer_preflight(passage, plan);
  PC_CO_CHECK(check_maintenance(plan));
  auto known = try_authenticate(passage, plan);  // 5
  Witness* const witness = passage.worker.witness;
  if (!known && witness != nullptr) known = witness->keys_wanted(plan, passage.exchange);
  if (!known) {
    known = co_await plan.door.authenticate(caller_of(passage, plan), passage.worker.authentication,
                                            passage.worker.key_refresher);
  }
  hide_keys(passage, plan);
  PC_CO_TRY(passage.account.identity, *std::move(known));
  PC_CO_CHECK(check_ban_of_key(passage));
  PC_CO_CHECK(limit(passage, plan));       // 6
  PC_CO_CHECK(authorize(passage, plan));   // 7
  PC_CO_CHECK(check_body(passage, plan));  // 8
  if (plan.shape.answers_itself()) co_return co_await answer_ourselves(passage, plan);
  passage.account.step = Step::kForward;
  std::string_view path = passage.exchange.request().path;
  if (plan.shape.path.changes()) {
    PC_CO_TRY(path, shape_path(plan.shape.path, path, passage.exchange.arena()));
  }
  const config::Streams& streams = passage.snapshot().config().streams;
  PC_CO_TRY(const std::optional<GrpcCall> call,
            find_grpc_call(passage.exchange, streams,
                           passage.account.identity ? &*passage.account.identity : nullptr,
                           plan.timeout));
  PC_CO_CHECK(check_upstream(passage, plan));
  Forwarding forwarding{passage.exchange,
                        plan,
                        path,
                        passage.fields,
                        passage.snapshot().config().trusted_proxies,
                        *passage.local.upstreams[plan.upstream],
                        passage.account,
                        passage.verdict,
                        passage.local.upstream_seconds[plan.upstream],
                        passage.worker.ledger,
                        passage.worker.codecs,
                        passage.body_coding,
                        streams,
                        {passage.worker.streams, certificate_of(passage)},
                        call ? &*call : nullptr};
  if (witness != nullptr) [[unlikely]] {
    witness->forwarded(forwarding);
    co_return Result<void>{};
  }
  co_return co_await forward(forwarding);  // 11
}

// ---- refusals

// Who is refused for want of room may soon try again, since that comes and goes within a second.
std::string_view retry_after(const Passage& passage, const Error& error,
                             const MaintenanceAnswer& down) {
  if (!down.retry_after.empty()) return down.retry_after;
  if (error.code == ErrorCode::kOverloaded) return "1";
  if (passage.banned_until) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(*passage.banned_until -
                                                              passage.exchange.loop().now());
    return passage.exchange.arena().copy(std::to_string(std::max<std::int64_t>(1, left.count())));
  }
  return problem_kind(error.code).status == 503 ? "5" : "";
}

// Why, how long, and how one would be let in: the same for every form of a refusal.
void add_refusal_fields(Passage& passage, const Error& error, const MaintenanceAnswer& down,
                        http::Response& head) {
  head.fields.add("cache-control", "no-store");
  head.fields.add("x-request-id", passage.account.request_id);
  if (const std::string_view after = retry_after(passage, error, down); !after.empty())
    head.fields.add("retry-after", after);
  add_limit_fields(head.fields, passage.verdict, passage.exchange.arena());
  if (const Plan* plan = passage.account.plan) {
    for (const std::string& challenge : plan->door.challenges(error))
      head.fields.add("www-authenticate", challenge);
  }
  passage.fields.add_to(head.fields, passage.exchange, passage.account, Maker::kGateway);
}

// The refusal of a gRPC call: 200, and a status where the trailers would be.
Task<void> respond_with_status(Passage& passage, const Error& error) {
  http::Exchange& exchange = passage.exchange;
  const ProblemKind kind = problem_kind(error.code);
  http::Response head(exchange.arena());
  head.status = 200;
  head.fields.add("content-type", "application/grpc");
  add_grpc_status(head.fields, grpc_status(error.code), kind.title, exchange.arena());
  MaintenanceAnswer down;
  if (error.code == ErrorCode::kMaintenance)
    down = maintenance_answer(*passage.account.plan->shape.maintenance, exchange.arena());
  add_refusal_fields(passage, error, down, head);
  const Result<void> sent = co_await exchange.respond(head, {}, http::More::kNo);
  if (!sent) exchange.abort();
}

// What the caller may be banned for: the key that it showed, since others may share the address;
// else the address.
void note_offence(Passage& passage, const Error& error) {
  if (error.source != ErrorSource::kClient) return;
  const auto offence = offence_of(error);
  if (!offence) return;
  const overload::BanRules& rules = passage.snapshot().ban_rules();
  const authn::IdentityRef& identity = passage.account.identity;
  const TimePoint now = passage.exchange.loop().now();
  telemetry::Shard& shard = passage.worker.ledger.shard();
  if (*offence == http::Offence::kRateLimited && identity && !identity->key.empty())
    return passage.worker.offences.note_key(identity->subject, *offence, rules, shard, now);
  passage.worker.offences.note(passage.account.client, *offence, rules, shard, now);
}

Task<void> respond_with_problem(Passage& passage, const Error& error) {
  http::Exchange& exchange = passage.exchange;
  const ProblemKind kind = problem_kind(error.code);
  const bool nobody_to_tell = exchange.response_status() != 0 || error.code == ErrorCode::kClosed ||
                              error.code == ErrorCode::kCancelled;
  if (nobody_to_tell) {
    exchange.abort();
    co_return;
  }
  if (is_grpc(exchange.request())) co_return co_await respond_with_status(passage, error);
  MaintenanceAnswer down;
  if (error.code == ErrorCode::kMaintenance)
    down = maintenance_answer(*passage.account.plan->shape.maintenance, exchange.arena());
  const std::string document =
      down.body.empty() ? problem_document(kind, passage.account.request_id) : std::string();
  const std::string_view body = down.body.empty() ? std::string_view(document) : down.body;
  http::Response head(exchange.arena());
  head.status = kind.status;
  head.body = http::BodyKind::kLength;
  head.content_length = body.size();
  head.fields.add("content-type", down.body.empty() ? kProblemMediaType : down.content_type);
  if (!passage.allow.empty()) head.fields.add("allow", passage.allow);
  if (error.code == ErrorCode::kUnsupportedCoding)
    head.fields.add("accept-encoding", accepted_codings(*passage.account.plan));
  // RFC 6455 4.4: which version is spoken.
  if (error.code == ErrorCode::kMalformedUpgrade) head.fields.add("sec-websocket-version", "13");
  add_refusal_fields(passage, error, down, head);
  const Result<void> sent = co_await exchange.respond(head, body, http::More::kNo);
  if (!sent) exchange.abort();
}

}  // namespace

Task<void> serve(http::Exchange& exchange, SnapshotRef snapshot, std::size_t listener,
                 WorkerServices& worker) {
  const ListenerPlan& plan = snapshot->snapshot->listeners()[listener];
  // Written when this frame ends, whatever happens (13).
  Account account(exchange, worker.ledger, plan.config.name, snapshot->snapshot->revision());
  Passage passage{.exchange = exchange,
                  .local = *snapshot,
                  .listener = plan,
                  .worker = worker,
                  .account = account,
                  .fields = {.hsts = plan.hsts}};
  identify_request(passage);
  Result<void> outcome = co_await answer(passage);
  if (outcome) {
    if (worker.witness != nullptr) [[unlikely]]
      worker.witness->ended(account);
    co_return;
  }
  const Error& refused = account.refuse(std::move(outcome).error());
  note_offence(passage, refused);
  if (worker.witness != nullptr) worker.witness->refused(account, refused);
  co_await respond_with_problem(passage, refused);
}

Task<void> serve_unreadable(http::Exchange& exchange, SnapshotRef snapshot, std::size_t listener,
                            WorkerServices& worker, const Error& error) {
  const ListenerPlan& plan = snapshot->snapshot->listeners()[listener];
  Account account(exchange, worker.ledger, plan.config.name, snapshot->snapshot->revision());
  Passage passage{.exchange = exchange,
                  .local = *snapshot,
                  .listener = plan,
                  .worker = worker,
                  .account = account,
                  .fields = {.hsts = plan.hsts}};
  account.client = exchange.connection().peer.address;
  const RequestIds::Text made = worker.request_ids.next();
  account.request_id = exchange.arena().copy({made.data(), made.size()});
  const Error& refused = account.refuse(error);
  note_offence(passage, refused);
  if (worker.witness != nullptr) worker.witness->refused(account, refused);
  co_await respond_with_problem(passage, refused);
}

}  // namespace portcullis::gateway
