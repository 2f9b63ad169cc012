#include "gateway/codecs.h"

#include <algorithm>

namespace portcullis::gateway {
namespace {

Codecs::Counters counters(telemetry::Registry& registry, std::string_view message,
                          coding::Coding coding) {
  const auto counter = [&](std::string_view form) {
    return registry.counter("portcullis_coded_body_bytes_total",
                            "Bytes of bodies that were compressed or decoded, in either form.",
                            {{"message", message}, {"coding", name_of(coding)}, {"form", form}});
  };
  return {.plain = counter("plain"), .coded = counter("coded")};
}

}  // namespace

Codecs::Codecs(telemetry::Registry& registry) {
  for (const coding::Coding coding :
       {coding::Coding::kGzip, coding::Coding::kBrotli, coding::Coding::kZstd}) {
    requests[static_cast<std::size_t>(coding)] = counters(registry, "request", coding);
    responses[static_cast<std::size_t>(coding)] = counters(registry, "response", coding);
  }
}

bool is_of_coded_bytes(std::string_view name) noexcept {
  constexpr std::string_view kNames[] = {"accept-ranges", "content-digest", "content-md5", "digest",
                                         "repr-digest"};
  return std::ranges::find(kNames, name) != std::end(kNames);
}

}  // namespace portcullis::gateway
