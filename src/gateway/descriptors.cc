#include "gateway/descriptors.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <sys/resource.h>

namespace portcullis::gateway {
namespace {

// Sockets of the admin listener, logs, epoll and its like.
constexpr std::uint64_t kOurOwn = 128;

}  // namespace

std::uint64_t descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return RLIM_INFINITY;
  return limit.rlim_max;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

std::uint32_t most_connections(const config::Config& config, std::uint64_t limit) {
  if (config.connections.maximum != 0) return config.connections.maximum;
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(limit / 2, 1, kMost));
}

void warn_of_descriptors(const config::Config& config, std::uint64_t limit,
                         config::Diagnostics& diagnostics) {
  const auto warn = [&](const config::Position& at, const std::string& key,
                        std::uint64_t connections) {
    diagnostics.warning(
        at, key,
        fmt::format("there may be {} connections, and this process may open {} files: raise the "
                    "hard limit (`LimitNOFILE=` of systemd, `ulimit -Hn`), or lower this",
                    connections, limit));
  };
  if (const std::uint64_t said = config.connections.maximum; said != 0) {
    if (said + kOurOwn > limit) warn(config.connections.maximum_at, "connections.maximum", said);
    return;
  }
  std::uint64_t connections = kOurOwn;
  for (const config::Listener& listener : config.listeners) {
    if (!listener.limits.connections_at) continue;
    connections += listener.limits.connections;
    if (connections <= limit) continue;
    warn(*listener.limits.connections_at, "listeners." + listener.name + ".limits.connections",
         connections - kOurOwn);
    return;
  }
}

}  // namespace portcullis::gateway
