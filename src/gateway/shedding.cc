#include "gateway/shedding.h"

namespace portcullis::gateway {

UpstreamShedder::UpstreamShedder(const std::string& upstream, const config::Overload& settings,
                                 telemetry::Registry& registry, telemetry::Shard& shard,
                                 TimePoint now)
    : shedder_(settings, now), shard_(shard) {
  limit_ = registry.gauge("portcullis_overload_limit",
                          "Requests that may wait for the upstream, of all workers.",
                          {{"upstream", upstream}});
  in_flight_ = registry.gauge("portcullis_overload_in_flight",
                              "Requests that wait for the upstream.", {{"upstream", upstream}});
  for (std::size_t i = 0; i < overload::kPriorities; ++i) {
    shed_[i] = registry.counter(
        "portcullis_overload_shed_total", "Requests refused, since the upstream had enough.",
        {{"upstream", upstream},
         {"priority", overload::priority_name(static_cast<config::Priority>(i))}});
  }
  show_limit();
}

UpstreamShedder::~UpstreamShedder() { shard_.down(limit_, shown_limit_); }

void UpstreamShedder::use(const config::Overload& settings) {
  shedder_.use(settings);
  show_limit();
}

void UpstreamShedder::show_limit() {
  shard_.up(limit_, shedder_.limit());
  shard_.down(limit_, shown_limit_);
  shown_limit_ = shedder_.limit();
}

Result<void> UpstreamShedder::admit(config::Priority priority) {
  if (shedder_.admits(priority)) return {};
  shard_.add(shed_[static_cast<std::size_t>(priority)]);
  return fail(ErrorCode::kOverloaded, "the upstream has as much to do as it can answer in time",
              ErrorSource::kInternal, "overload");
}

void Passing::begin(TimePoint now) {
  under_way_ = true;
  since_ = now;
  shedder_->shedder_.begin();
  shedder_->shard_.up(shedder_->in_flight_);
}

void Passing::observe(TimePoint now) {
  shedder_->shedder_.observe(now - since_, *baseline_, now);
  if (shedder_->shedder_.limit() != shedder_->shown_limit_) shedder_->show_limit();
  end();
}

void Passing::end() {
  if (!under_way_) return;
  shedder_->shedder_.end();
  shedder_->shard_.down(shedder_->in_flight_);
  under_way_ = false;
  shedder_ = nullptr;
}

std::vector<std::shared_ptr<UpstreamShedder>> Shedders::adopt(const config::Config& config,
                                                              telemetry::Registry& registry,
                                                              telemetry::Shard& shard,
                                                              TimePoint now) {
  std::vector<std::shared_ptr<UpstreamShedder>> all;
  std::map<std::string, std::shared_ptr<UpstreamShedder>> kept;
  if (config.overload.shed) {
    for (const config::Upstream& upstream : config.upstreams) {
      std::shared_ptr<UpstreamShedder>& shedder = kept[upstream.name];
      const auto before = by_name_.find(upstream.name);
      if (before != by_name_.end()) {
        shedder = before->second;
        shedder->use(config.overload);
      } else {
        shedder =
            std::make_shared<UpstreamShedder>(upstream.name, config.overload, registry, shard, now);
      }
      all.push_back(shedder);
    }
  }
  by_name_ = std::move(kept);
  return all;
}

}  // namespace portcullis::gateway
