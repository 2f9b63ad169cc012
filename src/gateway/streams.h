// What lasts longer than a request does: tunnels, event streams, gRPC calls, and other answers
// without an end of their own. They are counted, and none outlives the credentials that it was let
// in by, nor `streams.maximum_age`.
#pragma once

#include "authn/identity.h"
#include "base/clock.h"
#include "config/config.h"
#include "http/exchange.h"
#include "runtime/client_certificate.h"
#include "telemetry/metrics.h"

#include <array>
#include <cstdint>
#include <list>
#include <optional>
#include <set>
#include <string_view>

namespace portcullis::gateway {

// Why a stream is over.
enum class StreamEnd : std::uint8_t {
  kClient,      // it ended, or left
  kUpstream,    // the same
  kExpired,     // the token, API key or certificate did
  kMaximumAge,  // `streams.maximum_age`
  kIdle,        // `streams.idle_timeout`
  kShutdown,    // `drain_timeout` was over
  kRevoked,     // the client certificate is not good any more by new lists or authorities
  kDeadline,    // the one that its caller had said
};
inline constexpr std::size_t kStreamEnds = 8;
[[nodiscard]] std::string_view stream_end_name(StreamEnd end);

enum class StreamKind : std::uint8_t { kTunnel, kEvents, kGrpc };
inline constexpr std::size_t kStreamKinds = 3;

// Until when a stream may last, and which bound that is.
struct StreamLimit {
  TimePoint at;
  StreamEnd why = StreamEnd::kMaximumAge;
};

// For a stream without a known end. Null: nobody's credentials.
[[nodiscard]] StreamLimit stream_limit(http::Exchange& exchange, const config::Streams& settings,
                                       const authn::Identity* identity);

// True for media types that are streams by nature, whose silence means nothing: event streams and
// sequences of records.
[[nodiscard]] bool is_event_stream(std::string_view content_type);

class OpenStream;

// The streams of one worker.
class OpenStreams {
 public:
  explicit OpenStreams(telemetry::Registry& registry);
  OpenStreams(const OpenStreams&) = delete;
  OpenStreams& operator=(const OpenStreams&) = delete;

  void end_all(StreamEnd why);
  // The certificates that streams live by; to be judged anew before end_revoked().
  [[nodiscard]] std::set<runtime::ClientCertificate*> certificates() const;
  // Ends those whose certificate does not hold any more.
  void end_revoked(WallTime now);
  // One ended that was not known to be a stream until then.
  void count_end(StreamEnd why) { shard_->add(ended_.at(static_cast<std::size_t>(why))); }

 private:
  friend class OpenStream;
  telemetry::ShardHandle shard_;
  std::array<telemetry::GaugeId, kStreamKinds> open_;    // by StreamKind
  std::array<telemetry::CounterId, kStreamEnds> ended_;  // by StreamEnd
  std::list<OpenStream*> all_;
};

// What a request may open a stream in.
struct StreamPlace {
  OpenStreams& all;
  // The one that let the request in, which a stream does not outlive; null where other credentials
  // did, or none.
  runtime::ClientCertificate* certificate = nullptr;

  void count_end(StreamEnd why) const { all.count_end(why); }
};

// One stream, counted for as long as this lives.
class OpenStream {
 public:
  // `stop(context)` is called once, by the first end(): nothing more of the stream is wanted. It
  // may not end the life of this.
  using Stop = void (*)(void* context);
  OpenStream(const StreamPlace& place, StreamKind kind, Stop stop, void* context);
  ~OpenStream();
  OpenStream(const OpenStream&) = delete;
  OpenStream& operator=(const OpenStream&) = delete;

  // The first reason stays.
  void end(StreamEnd why);
  [[nodiscard]] std::optional<StreamEnd> ended() const { return ended_; }

 private:
  friend class OpenStreams;
  OpenStreams& owner_;
  runtime::ClientCertificate* certificate_;
  StreamKind kind_;
  Stop stop_;
  void* context_;
  std::optional<StreamEnd> ended_;
  std::list<OpenStream*>::iterator place_;
};

}  // namespace portcullis::gateway
