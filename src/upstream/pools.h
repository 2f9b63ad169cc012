// The targets of one worker, through reloads.
#pragma once

#include "base/clock.h"
#include "config/config.h"
#include "runtime/loop.h"
#include "runtime/resolver.h"
#include "runtime/task.h"
#include "runtime/tls.h"
#include "upstream/dialer.h"
#include "upstream/standing.h"
#include "upstream/target.h"
#include "upstream/upstream.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace portcullis::upstream {

class Pools {
 public:
  Pools(Loop& loop, runtime::Resolver& resolver, Standings& standings)
      : loop_(loop), resolver_(resolver), standings_(standings) {}
  Pools(const Pools&) = delete;
  Pools& operator=(const Pools&) = delete;

  // The upstreams of a configuration that is now in force, in its order. A target that was there
  // before, and is reached in the same way, keeps its connections; one that is not there any more
  // closes them: what is idle at once, what is lent when its request has ended.
  std::vector<std::shared_ptr<Upstream>> adopt(const std::vector<config::Upstream>& upstreams,
                                               const TlsOf& tls_of);

  // What must be equal for a connection that was made before a reload to be good after it.
  [[nodiscard]] static std::string key_of(const config::Upstream& upstream,
                                          const std::string& target,
                                          const runtime::TlsClientContext* tls);

  // For every few seconds.
  void sweep(TimePoint now);

  // Ends what is left, and waits for it. Nobody may hold a lease, and none is given afterwards.
  Task<void> finish();

 private:
  [[nodiscard]] std::shared_ptr<Target> find_or_make(
      const config::Upstream& upstream, const std::string& target,
      const std::shared_ptr<const runtime::TlsClientContext>& tls);

  Loop& loop_;
  runtime::Resolver& resolver_;
  Standings& standings_;
  TaskGroup tasks_;                                       // of connections that requests share
  std::map<std::string, std::weak_ptr<Target>> targets_;  // by all that decides how it is reached
};

}  // namespace portcullis::upstream
