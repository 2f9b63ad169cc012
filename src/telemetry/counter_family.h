// The counters of one family that differ in one label of few values: what is refused, by reason.
// Each is registered when it first counts, since most never do, and found without the registry's
// mutex from then on: what is counted here comes in floods.
#pragma once

#include "telemetry/metrics.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portcullis::telemetry {

// One thread's.
class CounterFamily {
 public:
  // `owner` is a label that all of them have; `label` names the one that they differ in. All but
  // the value of `owner` are literals.
  CounterFamily(Registry& registry, std::string_view name, std::string_view help, Label owner,
                std::string_view label);

  // `value` is one of a closed set.
  [[nodiscard]] CounterId of(std::string_view value);

 private:
  Registry& registry_;
  std::string_view name_;
  std::string_view help_;
  std::string_view owner_name_;
  std::string owner_;
  std::string_view label_;
  std::vector<std::pair<std::string, CounterId>> known_;
};

}  // namespace portcullis::telemetry
