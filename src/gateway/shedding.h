// Shedding where requests pass: the shedder of each upstream on one worker, with its metrics, and a
// request's passage through one.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "config/config.h"
#include "overload/shedder.h"
#include "telemetry/metrics.h"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace portcullis::gateway {

class UpstreamShedder {
 public:
  UpstreamShedder(const std::string& upstream, const config::Overload& settings,
                  telemetry::Registry& registry, telemetry::Shard& shard, TimePoint now);
  ~UpstreamShedder();
  UpstreamShedder(const UpstreamShedder&) = delete;
  UpstreamShedder& operator=(const UpstreamShedder&) = delete;

  void use(const config::Overload& settings);
  // Errors: kOverloaded.
  [[nodiscard]] Result<void> admit(config::Priority priority);

 private:
  friend class Passing;
  void show_limit();

  overload::Shedder shedder_;
  telemetry::Shard& shard_;
  telemetry::GaugeId limit_;
  telemetry::GaugeId in_flight_;
  std::array<telemetry::CounterId, overload::kPriorities> shed_;
  std::uint32_t shown_limit_ = 0;
};

// From when a request is wholly the upstream's to answer until the head of its answer: what a slow
// client makes it wait for, before or behind that, is not the upstream's doing.
class Passing {
 public:
  Passing() = default;
  Passing(const Passing&) = delete;
  Passing& operator=(const Passing&) = delete;
  ~Passing() { end(); }

  // `shedder` and `baseline` live as long as the request.
  void enter(UpstreamShedder& shedder, overload::LatencyBaseline& baseline) {
    shedder_ = &shedder;
    baseline_ = &baseline;
  }
  // All of the request has been sent; called again it does nothing.
  void sent(TimePoint now) {
    if (shedder_ != nullptr && !under_way_) [[unlikely]]
      begin(now);
  }
  // An answer that begins before all of the request was sent says nothing of the upstream's speed.
  void answered(TimePoint now) {
    if (under_way_) [[unlikely]]
      observe(now);
    shedder_ = nullptr;
  }

 private:
  void begin(TimePoint now);
  void observe(TimePoint now);
  void end();

  UpstreamShedder* shedder_ = nullptr;
  overload::LatencyBaseline* baseline_ = nullptr;
  TimePoint since_;
  bool under_way_ = false;
};

// All of one worker, by the upstream's name: through a reload they keep what they know.
class Shedders {
 public:
  // In the order of the upstreams; empty where shedding is off.
  [[nodiscard]] std::vector<std::shared_ptr<UpstreamShedder>> adopt(const config::Config& config,
                                                                    telemetry::Registry& registry,
                                                                    telemetry::Shard& shard,
                                                                    TimePoint now);

 private:
  std::map<std::string, std::shared_ptr<UpstreamShedder>> by_name_;
};

}  // namespace portcullis::gateway
