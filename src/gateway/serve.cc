#include "gateway/serve.h"

#include "gateway/client_address.h"
#include "gateway/forward.h"
#include "gateway/problem.h"
#include "ratelimit/fields.h"

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
  ratelimit::Verdict verdict;  // of the tightest limit that was asked
  std::string allow;           // the methods, when that is the refusal

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

// 3: listener, host, path and method to a plan.
Result<const Plan*> route(Passage& passage) {
  passage.account.step = Step::kRoute;
  const http::Request& request = passage.exchange.request();
  PC_TRY(const Match match,
         passage.listener.router.match(request.host, request.path, request.method,
                                       request.method_text, passage.allow));
  const Plan& plan = passage.snapshot().plans()[match.plan];
  passage.account.plan = &plan;
  return &plan;
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

// 4: limits that need no identity, so that a flood costs no signature check.
Result<void> admit(Passage& passage, const Plan& plan) {
  passage.account.step = Step::kAdmit;
  return judge(passage, plan.limits.admit_unidentified(attributes_of(passage, plan),
                                                       passage.exchange.loop().now()));
}

// 5: who is it. Waits only when keys of an issuer must be fetched first.
std::optional<Result<authn::IdentityRef>> try_authenticate(Passage& passage, const Plan& plan) {
  passage.account.step = Step::kAuthenticate;
  Loop& loop = passage.exchange.loop();
  return plan.door.try_authenticate(passage.exchange.request().fields,
                                    passage.worker.authentication, loop.wall_now(), loop.now());
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

// 8: the body's size, as far as it is announced; a chunked body is counted while it passes.
Result<void> check_body(Passage& passage, const Plan& plan) {
  passage.account.step = Step::kValidate;
  if (passage.exchange.request().content_length > plan.body_size) {
    return refuse(ErrorCode::kContentTooLarge, "content-length exceeds `body_size`");
  }
  return {};
}

Task<Result<void>> answer(Passage& passage) {
  PC_CO_TRY(const Plan* const found, route(passage));  // 3
  const Plan& plan = *found;
  PC_CO_CHECK(admit(passage, plan));             // 4
  auto known = try_authenticate(passage, plan);  // 5
  if (!known) {
    known = co_await plan.door.authenticate(passage.exchange.request().fields,
                                            passage.worker.authentication,
                                            passage.worker.key_refresher);
  }
  PC_CO_TRY(passage.account.identity, *std::move(known));
  PC_CO_CHECK(limit(passage, plan));       // 6
  PC_CO_CHECK(authorize(passage, plan));   // 7
  PC_CO_CHECK(check_body(passage, plan));  // 8
  passage.account.step = Step::kForward;
  Forwarding forwarding{passage.exchange,
                        plan,
                        passage.snapshot().config().trusted_proxies,
                        *passage.local.upstreams[plan.upstream],
                        passage.account,
                        passage.verdict,
                        passage.local.upstream_seconds[plan.upstream],
                        passage.worker.ledger};
  co_return co_await forward(forwarding);  // 11
}

// ---- refusals

Task<void> respond_with_problem(Passage& passage, const Error& error) {
  http::Exchange& exchange = passage.exchange;
  const ProblemKind kind = problem_kind(error.code);
  const bool nobody_to_tell = exchange.response_status() != 0 || error.code == ErrorCode::kClosed ||
                              error.code == ErrorCode::kCancelled;
  if (nobody_to_tell) {
    exchange.abort();
    co_return;
  }
  const std::string document = problem_document(kind, passage.account.request_id);
  http::Response head(exchange.arena());
  head.status = kind.status;
  head.body = http::BodyKind::kLength;
  head.content_length = document.size();
  head.fields.add("content-type", kProblemMediaType);
  head.fields.add("cache-control", "no-store");
  head.fields.add("x-request-id", passage.account.request_id);
  if (!passage.allow.empty()) head.fields.add("allow", passage.allow);
  if (kind.status == 503) head.fields.add("retry-after", "5");
  add_limit_fields(head.fields, passage.verdict, exchange.arena());
  if (const Plan* plan = passage.account.plan) {
    for (const std::string& challenge : plan->door.challenges(error))
      head.fields.add("www-authenticate", challenge);
  }
  const Result<void> sent = co_await exchange.respond(head, document, http::More::kNo);
  if (!sent) exchange.abort();
}

}  // namespace

Task<void> serve(http::Exchange& exchange, SnapshotRef snapshot, std::size_t listener,
                 WorkerServices& worker) {
  const ListenerPlan& plan = snapshot->snapshot->listeners()[listener];
  // Written when this frame ends, whatever happens (13).
  Account account(exchange, worker.ledger, plan.config.name, snapshot->snapshot->revision());
  Passage passage{exchange, *snapshot, plan, worker, account, {}, {}};
  identify_request(passage);
  Result<void> outcome = co_await answer(passage);
  if (outcome) co_return;
  const Error& refused = account.refuse(std::move(outcome).error());
  co_await respond_with_problem(passage, refused);
}

Task<void> serve_unreadable(http::Exchange& exchange, SnapshotRef snapshot, std::size_t listener,
                            WorkerServices& worker, const Error& error) {
  const ListenerPlan& plan = snapshot->snapshot->listeners()[listener];
  Account account(exchange, worker.ledger, plan.config.name, snapshot->snapshot->revision());
  Passage passage{exchange, *snapshot, plan, worker, account, {}, {}};
  account.client = exchange.connection().peer.address;
  const RequestIds::Text made = worker.request_ids.next();
  account.request_id = exchange.arena().copy({made.data(), made.size()});
  const Error& refused = account.refuse(error);
  co_await respond_with_problem(passage, refused);
}

}  // namespace portcullis::gateway
