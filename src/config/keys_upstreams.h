// The part of the table of keys that is about upstreams. For keys.cc alone.
#pragma once

#include "config/keys.h"
#include "config/keys_common.h"
#include "config/keys_overload.h"

namespace portcullis::config {

// The order of choices is that of the enumerators in config.h.
inline constexpr std::string_view kBalances[] = {"round_robin", "least_requests"};
inline constexpr std::string_view kProxyVersions[] = {"none", "v1", "v2"};
inline constexpr std::string_view kBalancesToCome[] = {"consistent_hash", "peak_ewma"};

inline constexpr Key kConnectionKeys[] = {
    {.name = "maximum",
     .type = KeyType::kInteger,
     .help = "Connections of each worker to each target",
     .min = 1,
     .max = 65'535},
    {.name = "connect_timeout",
     .type = KeyType::kDuration,
     .help = "How long a connection may take to be made",
     .min = 1,
     .max = 5 * kMinute},
    {.name = "idle_timeout",
     .type = KeyType::kDuration,
     .help = "A connection without a request is closed after this",
     .min = 10,
     .max = 1 * kDay},
};
inline constexpr Block kConnections{kConnectionKeys};

inline constexpr Key kHealthKeys[] = {
    {.name = "path",
     .type = KeyType::kString,
     .help = "What is asked for: /healthz",
     .required = true},
    {.name = "every",
     .type = KeyType::kDuration,
     .help = "From the end of one probe to the next",
     .min = 100,
     .max = 1 * kHour},
    {.name = "timeout",
     .type = KeyType::kDuration,
     .help = "How long a probe may take, connecting included",
     .min = 10,
     .max = 10 * kSecond},
    {.name = "unhealthy_after",
     .type = KeyType::kInteger,
     .help = "Failed probes in a row that take a target out",
     .min = 1,
     .max = 100},
    {.name = "healthy_after",
     .type = KeyType::kInteger,
     .help = "Good probes in a row that take it in again",
     .min = 1,
     .max = 100},
    {.name = "status",
     .type = KeyType::kInteger,
     .help = "The one status that is good; any 2xx unless said",
     .min = 200,
     .max = 599},
};
inline constexpr Block kHealth{kHealthKeys};

inline constexpr Key kEjectKeys[] = {
    {.name = "consecutive_errors",
     .type = KeyType::kInteger,
     .help = "Failed requests in a row that take a target out",
     .min = 1,
     .max = 1000},
    {.name = "for",
     .type = KeyType::kDuration,
     .help = "How long it is left alone",
     .min = 100,
     .max = 1 * kHour},
};
inline constexpr Block kEject{kEjectKeys};
inline constexpr Key kUpstreamTlsKeys[] = {
    {.name = "ca",
     .type = KeyType::kFile,
     .help = "PEM file with the authorities that the targets' certificates must be of"},
    {.name = "server_name",
     .type = KeyType::kString,
     .help = "The host that the certificates must be for, which is also asked for"},
    {.name = "cert",
     .type = KeyType::kFile,
     .help = "PEM file with the certificate and chain that targets are shown when they ask"},
    {.name = "key", .type = KeyType::kFile, .help = "PEM file with its private key"},
};
inline constexpr Block kUpstreamTls{kUpstreamTlsKeys};

inline constexpr Key kUpstreamKeys[] = {
    {.name = "targets",
     .type = KeyType::kStrings,
     .help = "host:port, address:port or unix:/path; names are resolved, and resolved again",
     .required = true,
     .min = 1},
    {.name = "balance",
     .type = KeyType::kChoice,
     .help = "How a target is chosen",
     .choices = kBalances,
     .not_built_choices = kBalancesToCome},
    kConcurrencyKey,
    {.name = "connections",
     .type = KeyType::kMapping,
     .help = "The pool of connections",
     .block = &kConnections},
    {.name = "protocol",
     .type = KeyType::kChoice,
     .help = "What the targets speak. With h2 a connection carries many requests",
     .choices = kProtocols},
    {.name = "health",
     .type = KeyType::kMapping,
     .help = "Whether the targets are well, asked again and again",
     .block = &kHealth},
    {.name = "eject",
     .type = KeyType::kMapping,
     .help = "When a target that fails in use is left alone",
     .block = &kEject},
    {.name = "proxy_protocol",
     .type = KeyType::kChoice,
     .help = "The version of the PROXY header that tells the targets whose connection it is. "
             "Such a connection serves one request",
     .choices = kProxyVersions},
    {.name = "allow_addresses",
     .type = KeyType::kCidrs,
     .help = "The only addresses that the names of targets may resolve to; unless said any but "
             "loopback, link-local and other special ones"},
    {.name = "tls",
     .type = KeyType::kMapping,
     .help = "TLS to the targets, which are verified always; without it, clear text",
     .block = &kUpstreamTls},
};
inline constexpr Block kUpstream{kUpstreamKeys};

}  // namespace portcullis::config
