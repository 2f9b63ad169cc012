#include "gateway/streams.h"

#include "base/ascii.h"

#include <algorithm>

namespace portcullis::gateway {

std::string_view stream_end_name(StreamEnd end) {
  switch (end) {
    case StreamEnd::kClient:
      return "client";
    case StreamEnd::kUpstream:
      return "upstream";
    case StreamEnd::kExpired:
      return "expired";
    case StreamEnd::kMaximumAge:
      return "maximum_age";
    case StreamEnd::kIdle:
      return "idle";
    case StreamEnd::kShutdown:
      return "shutdown";
    case StreamEnd::kRevoked:
      return "revoked";
    case StreamEnd::kDeadline:
      return "deadline";
  }
  return "";
}

StreamLimit stream_limit(http::Exchange& exchange, const config::Streams& settings,
                         const authn::Identity* identity) {
  StreamLimit limit{exchange.started() + settings.maximum_age, StreamEnd::kMaximumAge};
  if (identity == nullptr || identity->expires == WallTime::max()) return limit;
  // Both clocks were read at the start of this turn.
  const WallClock::duration left = identity->expires - exchange.loop().wall_now();
  const TimePoint expires = exchange.loop().now() + std::chrono::duration_cast<Duration>(left);
  if (expires < limit.at) limit = {expires, StreamEnd::kExpired};
  return limit;
}

bool is_event_stream(std::string_view content_type) {
  constexpr std::string_view kTypes[] = {"text/event-stream", "application/x-ndjson",
                                         "application/json-seq", "multipart/x-mixed-replace"};
  const std::string_view type = trim(content_type.substr(0, content_type.find(';')));
  return std::ranges::any_of(
      kTypes, [&](std::string_view each) { return equals_ignoring_case(type, each); });
}

OpenStreams::OpenStreams(telemetry::Registry& registry) : shard_(registry.open_shard()) {
  constexpr std::array<std::string_view, kStreamKinds> kKinds = {"tunnel", "events", "grpc"};
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    open_.at(i) =
        registry.gauge("portcullis_streams", "Tunnels, event streams and gRPC calls under way.",
                       {{"kind", kKinds.at(i)}});
  }
  for (std::size_t i = 0; i < kStreamEnds; ++i) {
    ended_.at(i) = registry.counter("portcullis_streams_ended_total",
                                    "Tunnels, event streams and gRPC calls that ended, and other "
                                    "answers that were cut off since their time was over.",
                                    {{"reason", stream_end_name(static_cast<StreamEnd>(i))}});
  }
}

void OpenStreams::end_all(StreamEnd why) {
  for (OpenStream* stream : all_) stream->end(why);
}

std::set<runtime::ClientCertificate*> OpenStreams::certificates() const {
  std::set<runtime::ClientCertificate*> found;
  for (const OpenStream* stream : all_) {
    if (stream->certificate_ != nullptr) found.insert(stream->certificate_);
  }
  return found;
}

void OpenStreams::end_revoked(WallTime now) {
  for (OpenStream* stream : all_) {
    if (stream->certificate_ != nullptr && !stream->certificate_->holds(now))
      stream->end(StreamEnd::kRevoked);
  }
}

OpenStream::OpenStream(const StreamPlace& place, StreamKind kind, Stop stop, void* context)
    : owner_(place.all),
      certificate_(place.certificate),
      kind_(kind),
      stop_(stop),
      context_(context),
      place_(owner_.all_.insert(owner_.all_.end(), this)) {
  owner_.shard_->up(owner_.open_.at(static_cast<std::size_t>(kind_)));
}

OpenStream::~OpenStream() {
  owner_.all_.erase(place_);
  owner_.shard_->down(owner_.open_.at(static_cast<std::size_t>(kind_)));
  if (ended_) owner_.count_end(*ended_);
}

void OpenStream::end(StreamEnd why) {
  if (ended_) return;
  ended_ = why;
  stop_(context_);
}

}  // namespace portcullis::gateway
