#include "gateway/tunnel.h"

#include "gateway/streams.h"
#include "runtime/timer_wheel.h"

#include <algorithm>

namespace portcullis::gateway {
namespace {

constexpr unsigned kPiecesAtOnce = 16;
// A tunnel of which one side has ended is nearly always forgotten when the other is silent.
constexpr std::chrono::seconds kHalfClosedIdle{30};

class Tunnel {
 public:
  Tunnel(Forwarding& forwarding, http::ClientExchange& upstream);
  ~Tunnel() { exchange_.when_client_gone(nullptr, nullptr); }
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;

  Task<void> run();

 private:
  // How a tunnel ended that did not end by both sides having said their last.
  enum class Broken : std::uint8_t { kNo, kByClient, kByUpstream };

  template <typename From, typename To>
  Task<void> pump(From& from, To& to, StreamEnd reader, StreamEnd writer);
  void fail_side(StreamEnd side);
  void end_side(StreamEnd side);
  void stop();
  void on_idle();
  [[nodiscard]] std::chrono::milliseconds silence() const {
    return first_ended_
               ? std::min(settings_.idle_timeout, std::chrono::milliseconds(kHalfClosedIdle))
               : settings_.idle_timeout;
  }

  Loop& loop_;
  http::Exchange& exchange_;
  http::ClientExchange& upstream_;
  const config::Streams& settings_;
  Account& account_;
  StreamLimit limit_;
  TimePoint moved_;
  bool over_ = false;
  Broken broken_ = Broken::kNo;
  std::optional<StreamEnd> first_ended_;
  runtime::Timer idle_timer_;
  runtime::Timer limit_timer_;
  OpenStream stream_;
};

Tunnel::Tunnel(Forwarding& forwarding, http::ClientExchange& upstream)
    : loop_(forwarding.exchange.loop()),
      exchange_(forwarding.exchange),
      upstream_(upstream),
      settings_(forwarding.stream_settings),
      account_(forwarding.account),
      limit_(stream_limit(exchange_, settings_, account_.identity ? &*account_.identity : nullptr)),
      moved_(loop_.now()),
      idle_timer_(
          loop_.timers(), [](void* self) { static_cast<Tunnel*>(self)->on_idle(); }, this),
      limit_timer_(
          loop_.timers(),
          [](void* self) {
            auto& tunnel = *static_cast<Tunnel*>(self);
            tunnel.stream_.end(tunnel.limit_.why);
          },
          this),
      stream_(
          forwarding.streams, StreamKind::kTunnel,
          [](void* self) { static_cast<Tunnel*>(self)->stop(); }, this) {
  upstream_.begin_tunnel();
  // A client whose connection is reset may have nobody reading from it.
  exchange_.when_client_gone(
      [](void* self) { static_cast<Tunnel*>(self)->fail_side(StreamEnd::kClient); }, this);
  idle_timer_.arm(moved_ + settings_.idle_timeout);
  limit_timer_.arm(limit_.at);
}

void Tunnel::stop() {
  over_ = true;
  exchange_.cancel_tunnel();
  upstream_.cancel_tunnel();
}

void Tunnel::fail_side(StreamEnd side) {
  if (over_) return;
  broken_ = side == StreamEnd::kClient ? Broken::kByClient : Broken::kByUpstream;
  stream_.end(first_ended_.value_or(side));
}

// `side` has sent its last; the other may go on.
void Tunnel::end_side(StreamEnd side) {
  if (first_ended_) {
    stream_.end(*first_ended_);
    return;
  }
  first_ended_ = side;
  // With the end said to it, a client that says its own is gone, though not lost.
  if (side == StreamEnd::kUpstream) exchange_.when_client_gone(nullptr, nullptr);
  idle_timer_.arm(moved_ + silence());
}

void Tunnel::on_idle() {
  const TimePoint due = moved_ + silence();
  if (loop_.now() < due)
    idle_timer_.arm(due);
  else
    stream_.end(StreamEnd::kIdle);
}

template <typename From, typename To>
Task<void> Tunnel::pump(From& from, To& to, StreamEnd reader, StreamEnd writer) {
  for (unsigned pieces = 1; !over_; ++pieces) {
    // Between two sockets that are always ready, nobody else would have a turn.
    if (pieces % kPiecesAtOnce == 0) co_await loop_.yield();
    const Result<std::string_view> piece = co_await from.read_tunnel();
    if (over_) co_return;
    if (!piece) {
      fail_side(reader);
      co_return;
    }
    moved_ = loop_.now();
    if (piece->empty()) {
      to.finish_tunnel();
      end_side(reader);
      co_return;
    }
    const Result<void> written = co_await to.write_tunnel(*piece);
    if (!written) {
      fail_side(writer);
      co_return;
    }
    moved_ = loop_.now();
  }
}

Task<void> Tunnel::run() {
  TaskGroup up;
  up.spawn(pump(exchange_, upstream_, StreamEnd::kClient, StreamEnd::kUpstream));
  co_await pump(upstream_, exchange_, StreamEnd::kUpstream, StreamEnd::kClient);
  co_await up.join();
  account_.ended = stream_.ended();
  // What the one side may not take for whole, it does not get whole.
  switch (broken_) {
    case Broken::kByClient:
      upstream_.abort_tunnel();
      break;
    case Broken::kByUpstream:
      exchange_.abort();
      break;
    case Broken::kNo:
      exchange_.finish_tunnel();
      break;
  }
}

}  // namespace

Task<void> run_tunnel(Forwarding& forwarding, http::ClientExchange& upstream) {
  Tunnel tunnel(forwarding, upstream);
  co_await tunnel.run();
}

}  // namespace portcullis::gateway
