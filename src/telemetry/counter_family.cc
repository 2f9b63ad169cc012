#include "telemetry/counter_family.h"

namespace portcullis::telemetry {

CounterFamily::CounterFamily(Registry& registry, std::string_view name, std::string_view help,
                             Label owner, std::string_view label)
    : registry_(registry),
      name_(name),
      help_(help),
      owner_name_(owner.name),
      owner_(owner.value),
      label_(label) {}

CounterId CounterFamily::of(std::string_view value) {
  for (const auto& [known, id] : known_) {
    if (known == value) return id;
  }
  const CounterId id = registry_.counter(name_, help_, {{owner_name_, owner_}, {label_, value}});
  known_.emplace_back(value, id);
  return id;
}

}  // namespace portcullis::telemetry
