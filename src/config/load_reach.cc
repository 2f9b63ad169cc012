// What of `upstreams` says how targets are found, probed and told apart; and `resolver`.
#include "config/load_parts.h"
#include "config/nearest.h"
#include "config/scalars.h"

#include <fmt/format.h>

#include <algorithm>

namespace portcullis::config {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr std::size_t kLongestSocketPath = 107;  // sun_path of unix(7), without its NUL

std::string socket_path_problem(std::string_view path) {
  if (!path.starts_with('/'))
    return "expected an absolute path behind `unix:`, such as `unix:/run/files.sock`";
  if (path.size() > kLongestSocketPath)
    return fmt::format("the path of a socket has at most {} bytes, this has {}", kLongestSocketPath,
                       path.size());
  if (std::ranges::any_of(path, [](char c) { return static_cast<unsigned char>(c) < 0x20; }))
    return "control characters in the path of a socket";
  return {};
}

void read_target(Scope& scope, const Text& target, const std::string& key,
                 const std::vector<Cidr>& allowed) {
  Diagnostics& diagnostics = scope.context().diagnostics;
  if (target.value.starts_with(kUnix)) {
    const std::string problem =
        socket_path_problem(std::string_view(target.value).substr(kUnix.size()));
    if (!problem.empty()) diagnostics.error(target.at, key, problem);
    return;
  }
  const auto host_port = parse_host_port(target.value);
  if (!host_port) {
    diagnostics.error(target.at, key,
                      "expected `host:port`, `address:port`, `[address]:port` or `unix:/path`; "
                      "found " +
                          quote(target.value));
    return;
  }
  const auto literal = IpAddress::parse(host_port->host);
  if (literal && !allowed.empty() &&
      std::ranges::none_of(allowed, [&](const Cidr& range) { return range.contains(*literal); }))
    diagnostics.error(target.at, key,
                      quote(host_port->host) + " is not among `allow_addresses` of this upstream");
}

void read_health(Scope& scope, Health& health) {
  if (scope.string("path", health.path)) {
    const bool visible =
        std::ranges::all_of(health.path, [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
    if (!health.path.starts_with('/') || !visible)
      scope.error("path", "expected a path such as `/healthz`, as it goes over the wire; found " +
                              quote(health.path));
  }
  scope.duration("every", health.every);
  scope.duration("timeout", health.timeout);
  scope.integer("unhealthy_after", health.unhealthy_after);
  scope.integer("healthy_after", health.healthy_after);
  scope.integer("status", health.status);
}

std::optional<IpEndpoint> parse_server(std::string_view text) {
  constexpr std::uint16_t kDnsPort = 53;
  if (const auto address = IpAddress::parse(text)) return IpEndpoint{*address, kDnsPort};
  const auto endpoint = parse_endpoint(text);
  if (!endpoint || endpoint->port == 0) return std::nullopt;
  return endpoint;
}

}  // namespace

void read_reach(Scope& scope, Upstream& upstream) {
  scope.cidrs("allow_addresses", upstream.allow_addresses);
  scope.strings("targets", upstream.targets);
  for (std::size_t i = 0; i < upstream.targets.size(); ++i)
    read_target(scope, upstream.targets[i], fmt::format("{}[{}]", scope.key("targets"), i),
                upstream.allow_addresses);
  scope.choice("proxy_protocol", upstream.proxy_protocol);
  scope.mapping("health", [&](Scope& health) { read_health(health, upstream.health.emplace()); });
  scope.mapping("eject", [&](Scope& eject) {
    Eject& read = upstream.eject.emplace();
    eject.integer("consecutive_errors", read.consecutive_errors);
    eject.duration("for", read.rest);
  });
}

void read_resolver(Scope& root, Config& config) {
  std::vector<Text> servers;
  root.strings("resolver", servers);
  for (std::size_t i = 0; i < servers.size(); ++i) {
    const auto server = parse_server(servers[i].value);
    if (server)
      config.resolver.push_back(*server);
    else
      root.context().diagnostics.error(
          servers[i].at, fmt::format("resolver[{}]", i),
          "expected the address of a DNS server, such as `10.0.0.2` or `127.0.0.1:5353`; found " +
              quote(servers[i].value));
  }
}

}  // namespace portcullis::config
