// One worker: a thread with its loop, its listening sockets, its connections, its upstream pools
// and its hold on the snapshot. Nothing of it is touched by another thread; the process speaks to
// it by posting.
#pragma once

#include "authn/key_source.h"
#include "gateway/connection_limits.h"
#include "gateway/guard.h"
#include "gateway/serve.h"
#include "gateway/snapshot.h"
#include "runtime/resolver.h"
#include "runtime/stream.h"
#include "telemetry/diagnostic_log.h"
#include "telemetry/log.h"
#include "upstream/standing.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace portcullis::gateway {

// What the workers' sockets of one listener share, through reloads.
struct SharedListener {
  std::shared_ptr<ConnectionCounts> counts = std::make_shared<ConnectionCounts>();
  IpEndpoint bound;  // where the first worker's socket is: the port that the others take when the
                     // configured one is 0
};
using SharedListeners = std::map<std::string, SharedListener>;

struct WorkerOptions {
  telemetry::Registry& registry;
  telemetry::LogSink* access_log = nullptr;  // null: none
  upstream::Standings& standings;
  Guard& guard;
  HashKey cache_key;
  std::uint64_t id_seed = 0;
  // Sees to it that these keys are fetched; called on the worker's thread.
  std::function<void(std::shared_ptr<authn::KeySource>)> fetch_keys;
  telemetry::DiagnosticLog* log = nullptr;  // null: none
};

class Worker {
 public:
  explicit Worker(WorkerOptions options);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  [[nodiscard]] Loop& loop();

  // Before run(), or on the loop: takes the snapshot for all requests from now on; opens, keeps and
  // closes listening sockets as it says. Errors: kMachine, when a socket cannot be opened; nothing
  // has changed then.
  Result<void> adopt(const std::shared_ptr<const Snapshot>& snapshot,
                     const SharedListeners& shared);
  // On the loop: takes the certificates that its snapshot has by now. Connections stay.
  void renew_tls();
  // Where the listener of that name is bound; for port 0.
  [[nodiscard]] IpEndpoint address_of(std::string_view listener) const;
  void use_log(telemetry::LogSink* access_log);

  // Runs until drained.
  void run();
  // On the loop: accepts what waits, ends idle connections, lets requests finish until `deadline`,
  // then ends the rest; run() returns.
  void drain(TimePoint deadline);
  // On the loop, while memory is short: gives back what nobody needs; with `evict`, what idle
  // connections hold too.
  void ease(bool evict);
  // On the loop, after drain(): ends at once what is still under way.
  void hurry();

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace portcullis::gateway
