// `listeners` and `upstreams`: where requests come in and go out.
#include "config/load_parts.h"
#include "config/load_shaping.h"
#include "config/nearest.h"
#include "config/scalars.h"

#include <algorithm>
#include <map>

namespace portcullis::config {
namespace {

void read_file(Scope& scope, std::string_view name, Text& file) {
  if (scope.has(name)) file.at = scope.place_of(name);
  scope.file(name, file.value);
}

void read_tls(Scope& scope, Tls& tls) {
  scope.list("certificates", [&](Scope& item) {
    CertificateFiles& files = tls.certificates.emplace_back();
    files.at = item.at();
    item.file("cert", files.cert);
    item.file("key", files.key);
  });
  scope.choice("minimum", tls.minimum);
  read_hsts(scope, tls);
  read_file(scope, "client_ca", tls.client_ca);
  read_file(scope, "client_crl", tls.client_crl);
  if (scope.has("client_crl") && !scope.has("client_ca"))
    scope.error("client_crl",
                "without `client_ca` no client is asked for a certificate: add it, or remove this");
}

void read_upstream_tls(Scope& scope, UpstreamTls& tls) {
  read_file(scope, "ca", tls.ca);
  scope.unless_said_in_words("ca", "the system's authorities");
  scope.unless_said_in_words("server_name", "each target's own name");
  Text server_name;
  if (scope.string("server_name", server_name)) {
    if (auto host = parse_host(server_name.value))
      tls.server_name = host->starts_with('[') ? host->substr(1, host->size() - 2) : *host;
    else
      scope.error("server_name",
                  "expected a host such as `files.internal`, without a port; found " +
                      quote(server_name.value));
  }
  read_file(scope, "cert", tls.cert);
  read_file(scope, "key", tls.key);
  if (scope.has("cert") != scope.has("key"))
    scope.error(scope.has("cert") ? "cert" : "key",
                "a certificate and its private key go together: add `" +
                    std::string(scope.has("cert") ? "key" : "cert") + "`");
}

// What the rate is unless said is in `rate`.
void read_rate(Scope& scope, std::string_view name, Rate& rate) {
  scope.unless_said(name, std::to_string(rate.count) + "/" +
                              std::to_string(rate.per / std::chrono::seconds(1)) + "s");
  scope.rate(name, rate);
}

void read_limits_of(Scope& scope, ListenerLimits& limits) {
  if (scope.integer("connections", limits.connections))
    limits.connections_at = scope.place_of("connections");
  scope.integer("connections_per_address", limits.connections_per_address);
  read_rate(scope, "connection_rate_per_address", limits.connection_rate_per_address);
  scope.size("head_size", limits.head_size);
  scope.integer("head_fields", limits.head_fields);
  scope.integer("query_arguments", limits.query_arguments);
  scope.duration("head_timeout", limits.head_timeout);
  scope.duration("handshake_timeout", limits.handshake_timeout);
  scope.unless_said_in_words("handshake_timeout", "`head_timeout`");
  scope.duration("idle_timeout", limits.idle_timeout);
  scope.duration("body_timeout", limits.body_timeout);
  scope.size("minimum_body_rate", limits.minimum_body_rate);
  scope.size("minimum_send_rate", limits.minimum_send_rate);
  scope.duration("rate_grace", limits.rate_grace);
  scope.unless_said_in_words("rate_grace", "`body_timeout`");
}

void read_http2(Scope& scope, Http2Limits& limits) {
  scope.integer("streams", limits.streams);
  read_rate(scope, "resets", limits.resets);
  read_rate(scope, "settings", limits.settings);
  read_rate(scope, "pings", limits.pings);
  read_rate(scope, "empty_frames", limits.empty_frames);
  read_rate(scope, "small_frames", limits.small_frames);
  read_rate(scope, "control_frames", limits.control_frames);
  scope.integer("continuation_frames", limits.continuation_frames);
}

void read_protocols(Scope& scope, Listener& listener) {
  std::vector<Text> names;
  scope.unless_said_in_words("protocols",
                             "[h2, http/1.1] with TLS and on loopback, else [http/1.1]");
  if (!scope.strings("protocols", names)) {
    const bool both = scope.has("tls") || listener.address.address.is_loopback();
    if (both) listener.protocols.push_back(Protocol::kH2);
    listener.protocols.push_back(Protocol::kHttp11);
    return;
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Protocol protocol = names[i].value == "h2" ? Protocol::kH2 : Protocol::kHttp11;
    if (listener.speaks(protocol))
      scope.context().diagnostics.error(names[i].at,
                                        scope.key("protocols") + "[" + std::to_string(i) + "]",
                                        quote(names[i].value) + " is there twice: remove one");
    else
      listener.protocols.push_back(protocol);
  }
}

void read_listener(Scope& scope, Listener& listener) {
  const bool good = scope.endpoint("address", listener.address);
  scope.mapping("tls", [&](Scope& tls) { read_tls(tls, listener.tls.emplace()); });
  scope.boolean("insecure", listener.insecure);
  const bool redirects = read_redirect_https(scope, listener);
  scope.boolean("proxy_protocol", listener.proxy_protocol);
  read_protocols(scope, listener);
  scope.mapping("http2", [&](Scope& http2) { read_http2(http2, listener.http2); });
  scope.mapping("limits", [&](Scope& limits) { read_limits_of(limits, listener.limits); });
  scope.mapping("paths", [&](Scope& paths) {
    paths.choice("duplicate_slashes", listener.paths.duplicate_slashes);
    paths.choice("encoded_slash", listener.paths.encoded_slash);
    paths.choice("path_parameters", listener.paths.path_parameters);
  });

  if (listener.tls && listener.insecure)
    scope.error("insecure", "a listener with `tls` is not insecure: remove one of them");
  // A listener that only redirects, or that stands behind a balancer, may be in clear text.
  const bool excused = scope.has("tls") || redirects || listener.proxy_protocol;
  if (good && !excused && !listener.insecure && !listener.address.address.is_loopback())
    scope.error("address",
                "clear text beyond loopback: add `tls`, or `insecure: true` if that is meant");
}

}  // namespace

void read_listeners(Scope& root, Config& config) {
  std::map<std::string, Position> addresses;
  root.named("listeners", [&](const std::string& name, Scope& scope) {
    Listener& listener = config.listeners.emplace_back();
    listener.name = name;
    listener.at = scope.at();
    read_listener(scope, listener);
    if (listener.proxy_protocol && config.trusted_proxies.empty())
      scope.error("proxy_protocol",
                  "nobody may send PROXY headers: name the proxies in `trusted_proxies`, as in "
                  "`trusted_proxies: [10.0.0.0/8]`");
    // Port 0 is a different free port for each listener; it is also what an address has that
    // could not be read.
    if (listener.address.port == 0) return;
    const Position here = scope.place_of("address");
    const auto [earlier, fresh] = addresses.emplace(listener.address.to_string(), here);
    if (!fresh)
      scope.error("address", "another listener has this address, at " +
                                 root.context().place(here, earlier->second) +
                                 ": choose another port");
  });
}

void read_upstreams(Scope& root, Config& config) {
  root.named("upstreams", [&](const std::string& name, Scope& scope) {
    Upstream& upstream = config.upstreams.emplace_back();
    upstream.name = name;
    upstream.at = scope.at();
    read_reach(scope, upstream);
    scope.choice("balance", upstream.balance);
    scope.choice("protocol", upstream.protocol);
    if (upstream.protocol == UpstreamProtocol::kHttp2 &&
        upstream.proxy_protocol != ProxyProtocol::kNone)
      scope.error("proxy_protocol",
                  "an h2 connection is shared by many clients, and the header tells of one: remove "
                  "this, or write `protocol: http/1.1`");
    scope.mapping("tls", [&](Scope& tls) { read_upstream_tls(tls, upstream.tls.emplace()); });
    const bool nameless = std::ranges::any_of(
        upstream.targets, [](const Text& target) { return target.value.starts_with("unix:"); });
    if (nameless && upstream.tls && upstream.tls->server_name.empty())
      scope.error("tls", "a socket has no name to verify: add `server_name`");
    scope.integer("concurrency", upstream.concurrency);
    scope.mapping("connections", [&](Scope& connections) {
      connections.integer("maximum", upstream.maximum_connections);
      connections.duration("connect_timeout", upstream.connect_timeout);
      connections.duration("idle_timeout", upstream.idle_timeout);
    });
  });
}

}  // namespace portcullis::config
