// The request's way, top to bottom, in one place.
#pragma once

#include "authn/key_refresher.h"
#include "authn/worker_state.h"
#include "gateway/account.h"
#include "gateway/codecs.h"
#include "gateway/guard.h"
#include "gateway/offences.h"
#include "gateway/request_id.h"
#include "gateway/snapshot.h"
#include "gateway/streams.h"
#include "http/exchange.h"
#include "ratelimit/limiter.h"
#include "upstream/upstream.h"

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace portcullis::gateway {

class Witness;

// A snapshot as one worker holds it: with the worker's own connections to each upstream. Counted
// without atomics, since it is never seen by another thread.
struct LocalSnapshot {
  std::shared_ptr<const Snapshot> snapshot;
  std::vector<std::shared_ptr<upstream::Upstream>> upstreams;  // in the order of Config::upstreams
  std::vector<telemetry::HistogramId> upstream_seconds;        // the same
  std::vector<std::uint16_t> ports;  // in the order of Config::listeners, as bound
  // In the order of Config::upstreams; empty where nothing is shed.
  std::vector<std::shared_ptr<UpstreamShedder>> shedders;
  std::shared_ptr<std::vector<overload::LatencyBaseline>> baselines;  // in the order of plans
};

// Shares a LocalSnapshot within its worker.
class SnapshotRef {
 public:
  SnapshotRef() = default;
  explicit SnapshotRef(LocalSnapshot&& local) : counted_(new Counted{std::move(local), 1}) {}
  SnapshotRef(const SnapshotRef& other) noexcept : counted_(other.counted_) {
    if (counted_ != nullptr) ++counted_->references;
  }
  SnapshotRef& operator=(SnapshotRef other) noexcept {
    std::swap(counted_, other.counted_);
    return *this;
  }
  ~SnapshotRef() {
    if (counted_ != nullptr && --counted_->references == 0) delete counted_;
  }
  [[nodiscard]] explicit operator bool() const { return counted_ != nullptr; }
  const LocalSnapshot& operator*() const { return counted_->local; }
  const LocalSnapshot* operator->() const { return &counted_->local; }

 private:
  struct Counted {
    LocalSnapshot local;
    std::uint32_t references;
  };
  Counted* counted_ = nullptr;
};

// What requests of one worker share.
struct WorkerServices {
  Ledger ledger;
  authn::WorkerState authentication;
  authn::LoopKeyRefresher key_refresher;
  RequestIds request_ids;
  Codecs codecs;
  OpenStreams streams;
  Guard& guard;
  Offences offences;
  Witness* witness = nullptr;  // of `portcullis explain`; none where requests are served
};

// Answers one exchange that came in at `listener`, an index into the snapshot's listeners, and
// accounts for it.
Task<void> serve(http::Exchange& exchange, SnapshotRef snapshot, std::size_t listener,
                 WorkerServices& worker);

// Answers a request whose head could not be read.
Task<void> serve_unreadable(http::Exchange& exchange, SnapshotRef snapshot, std::size_t listener,
                            WorkerServices& worker, const Error& error);

}  // namespace portcullis::gateway
