#include "upstream/prober.h"

#include "http/client.h"
#include "http/head_writer.h"
#include "http2/client_session.h"
#include "http2/client_stream.h"
#include "upstream/dialer.h"
#include "upstream/pools.h"

#include <algorithm>
#include <coroutine>
#include <utility>

namespace portcullis::upstream {
namespace {

constexpr int kMostInterimResponses = 4;
constexpr std::string_view kUserAgent = "portcullis-probe";

std::string key_of(const config::Upstream& upstream, const config::Health& health,
                   const std::string& target, const runtime::TlsClientContext* tls) {
  std::string key = Pools::key_of(upstream, target, tls) + "|" + health.path;
  for (const std::int64_t number :
       {std::int64_t{health.every.count()}, health.timeout.count(),
        std::int64_t{health.unhealthy_after}, std::int64_t{health.healthy_after},
        std::int64_t{health.status.value_or(0)}})
    key += "|" + std::to_string(number);
  return key;
}

}  // namespace

struct Prober::Probe {
  Probe(Loop& owner, runtime::Resolver& resolver, const config::Upstream& upstream,
        const config::Health& asked, const std::string& target, std::shared_ptr<Standing> shared,
        std::shared_ptr<const runtime::TlsClientContext> context)
      : loop(owner),
        health(asked),
        standing(std::move(shared)),
        http2(upstream.protocol == config::UpstreamProtocol::kHttp2),
        tls(context != nullptr),
        dialer(owner, resolver, upstream, target, *standing, std::move(context)),
        timer(owner.timers(), [](void* self) { static_cast<Probe*>(self)->wake(); }, this) {}

  void wake() {
    if (waiter) loop.ready(std::exchange(waiter, nullptr));
  }
  void end() {
    ended = true;
    timer.disarm();
    wake();
  }
  // Until the next probe is due, or the last one was.
  auto pause() {
    struct Pause {
      Probe& probe;
      [[nodiscard]] bool await_ready() const noexcept { return probe.ended; }
      void await_suspend(std::coroutine_handle<> handle) {
        probe.waiter = handle;
        probe.timer.arm(probe.loop.now() + probe.health.every);
      }
      void await_resume() const noexcept {}
    };
    return Pause{*this};
  }
  void judge(const Result<void>& outcome) {
    if (ended) return;
    const bool good = outcome.has_value();
    in_a_row = good == last_was_good ? in_a_row + 1 : 1;
    last_was_good = good;
    if (in_a_row < (good ? health.healthy_after : health.unhealthy_after)) return;
    standing->set_healthy(good, good ? std::string_view("probes are answered")
                                     : std::string_view(outcome.error().detail));
  }

  Loop& loop;
  const config::Health health;
  std::shared_ptr<Standing> standing;
  const bool http2;
  const bool tls;
  Dialer dialer;
  runtime::Timer timer;
  std::coroutine_handle<> waiter;
  bool ended = false;
  bool last_was_good = true;
  std::uint32_t in_a_row = 0;
};

Prober::Prober(Loop& loop, runtime::Resolver& resolver, Standings& standings)
    : loop_(loop), resolver_(resolver), standings_(standings) {}

Prober::~Prober() = default;

void Prober::adopt(const std::vector<config::Upstream>& upstreams, const TlsOf& tls_of) {
  std::map<std::string, std::shared_ptr<Probe>> next;
  std::vector<std::shared_ptr<Probe>> fresh;
  for (const config::Upstream& upstream : upstreams) {
    if (!upstream.health) continue;
    const auto tls = upstream.tls ? tls_of(upstream.name) : nullptr;
    for (const config::Text& target : upstream.targets) {
      const std::string key = key_of(upstream, *upstream.health, target.value, tls.get());
      std::shared_ptr<Probe> probe;
      if (const auto same = probes_.find(key); same != probes_.end()) {
        probe = std::move(same->second);
        probes_.erase(same);
      } else {
        probe = std::make_shared<Probe>(loop_, resolver_, upstream, *upstream.health, target.value,
                                        standings_.find(upstream.name, target.value), tls);
        fresh.push_back(probe);
      }
      next.emplace(key, std::move(probe));
    }
  }
  for (const auto& [key, probe] : std::exchange(probes_, std::move(next))) {
    probe->end();
    // Probes that are only made otherwise find out for themselves.
    const bool still_probed = std::ranges::any_of(
        probes_, [&](const auto& other) { return other.second->standing == probe->standing; });
    if (!still_probed) probe->standing->set_healthy(true, "not probed any more");
  }
  for (std::shared_ptr<Probe>& probe : fresh) tasks_.spawn(run(std::move(probe)));
}

void Prober::stop() {
  for (const auto& [key, probe] : std::exchange(probes_, {})) probe->end();
}

Task<void> Prober::run(std::shared_ptr<Probe> probe) {
  while (!probe->ended) {
    const Result<void> outcome = co_await ask(*probe);
    probe->judge(outcome);
    co_await probe->pause();
  }
}

[[clang::coro_wrapper]] Task<Result<void>> Prober::ask(Probe& probe) {
  const TimePoint deadline = probe.loop.now() + probe.health.timeout;
  return probe.http2 ? ask_http2(probe, deadline) : ask_http1(probe, deadline);
}

Task<Result<void>> Prober::ask_http1(Probe& probe, TimePoint deadline) {
  PC_CO_TRY(std::unique_ptr<runtime::Stream> stream,
            co_await probe.dialer.open(deadline, std::nullopt));
  http::ClientConnection connection(std::move(stream));
  http::HeadWriter head(probe.loop.buffers());
  head.put("GET ").put(probe.health.path).put(" HTTP/1.1\r\n");
  head.field("host", probe.dialer.authority())
      .field("user-agent", kUserAgent)
      .field("connection", "close")
      .put("\r\n");
  connection.begin();
  co_return co_await judge_answer(probe, connection, {.text = head.text(), .fields = {}}, deadline);
}

Task<Result<void>> Prober::ask_http2(Probe& probe, TimePoint deadline) {
  TaskGroup tasks;
  auto session = co_await probe.dialer.open_session(deadline, tasks);
  Result<void> outcome;
  if (session) {
    const std::string authority = probe.dialer.authority();
    const http::Field head[] = {{":method", "GET"},
                                {":scheme", probe.tls ? "https" : "http"},
                                {":path", probe.health.path},
                                {":authority", authority},
                                {"user-agent", kUserAgent}};
    {
      const auto stream = http2::ClientSession::open(*session);
      outcome = co_await judge_answer(probe, *stream, {.text = {}, .fields = head}, deadline);
    }
    (*session)->retire();
    if (!outcome) (*session)->close("the probe has failed");
  } else {
    outcome = std::unexpected(session.error());
  }
  co_await tasks.join();
  co_return outcome;
}

Task<Result<void>> Prober::judge_answer(const Probe& probe, http::ClientExchange& exchange,
                                        const http::RequestHead& head, TimePoint deadline) {
  PC_CO_CHECK(co_await exchange.send_head(head, {}, deadline));
  for (int interim = 0; interim <= kMostInterimResponses; ++interim) {
    Arena arena;
    http::Response response(arena);
    PC_CO_CHECK(co_await exchange.read_head(http::Method::kGet, response, deadline));
    if (response.status < 200) continue;
    const auto status = static_cast<std::uint32_t>(response.status);
    const bool good = probe.health.status ? status == *probe.health.status : status / 100 == 2;
    if (good) co_return Result<void>{};
    co_return fail(ErrorCode::kUpstreamBroken, "answered with status " + std::to_string(status),
                   ErrorSource::kUpstream);
  }
  co_return fail(ErrorCode::kUpstreamBroken, "too many interim responses", ErrorSource::kUpstream);
}

}  // namespace portcullis::upstream
