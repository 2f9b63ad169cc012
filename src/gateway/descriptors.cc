#include "gateway/descriptors.h"

#include <fmt/format.h>

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

void warn_of_descriptors(const config::Config& config, std::uint64_t limit,
                         config::Diagnostics& diagnostics) {
  std::uint64_t connections = kOurOwn;
  for (const config::Listener& listener : config.listeners) {
    if (!listener.limits.connections_at) continue;
    connections += listener.limits.connections;
    if (connections <= limit) continue;
    diagnostics.warning(
        *listener.limits.connections_at, "listeners." + listener.name + ".limits.connections",
        fmt::format("there may be {} connections, and this process may open {} files: raise the "
                    "hard limit (`LimitNOFILE=` of systemd, `ulimit -Hn`), or lower this",
                    connections - kOurOwn, limit));
    return;
  }
}

}  // namespace portcullis::gateway
