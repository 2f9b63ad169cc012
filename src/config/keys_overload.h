// The part of the table of keys that is about too much of everything: bans, shedding, memory. For
// keys.cc alone.
#pragma once

#include "config/keys.h"
#include "config/keys_common.h"

namespace portcullis::config {

// The order of choices is that of the enumerators in overload.h.
inline constexpr std::string_view kPriorities[] = {"low", "normal", "high", "critical"};

inline constexpr Key kConcurrencyKey{
    .name = "concurrency",
    .type = KeyType::kInteger,
    .help =
        "Requests that may be under way at once, of all workers; more get 503. An API's is of "
        "all its operations together",
    .min = 1,
    .max = 10'000'000};
inline constexpr Key kPriorityKey{
    .name = "priority",
    .type = KeyType::kChoice,
    .help = "What goes first when not everything can be served is low; critical goes last",
    .choices = kPriorities};

inline constexpr Key kBanCounterKeys[] = {
    {.name = "malformed", .type = KeyType::kRate, .help = "Requests that break HTTP"},
    {.name = "unauthenticated",
     .type = KeyType::kRate,
     .help = "Requests whose credentials are missing or wrong (401)"},
    {.name = "rate_limited",
     .type = KeyType::kRate,
     .help = "Requests that a limit refused (429); counted for the API key where one was shown"},
    {.name = "handshakes", .type = KeyType::kRate, .help = "TLS handshakes that failed"},
    {.name = "slow",
     .type = KeyType::kRate,
     .help = "Heads and bodies that came too slowly (408), and answers that were taken too slowly"},
    {.name = "http2", .type = KeyType::kRate, .help = "Abuse of HTTP/2"},
    {.name = "connections",
     .type = KeyType::kRate,
     .help = "Connections that `connections_per_address` or `connection_rate_per_address` refused"},
};
inline constexpr Block kBanCounters{kBanCounterKeys};

inline constexpr Key kBansKeys[] = {
    {.name = "counters",
     .type = KeyType::kMapping,
     .help = "How many offences of a kind, in what time, one address (IPv6: one /64) or API key "
             "may have; one more and it is banned. What is not named is not counted",
     .block = &kBanCounters},
    {.name = "first",
     .type = KeyType::kDuration,
     .help = "How long a first ban lasts; each that follows lasts twice as long as the one before",
     .min = 1 * kSecond,
     .max = 365 * kDay},
    {.name = "maximum",
     .type = KeyType::kDuration,
     .help = "The longest that a ban lasts",
     .min = 1 * kSecond,
     .max = 365 * kDay},
    {.name = "forgiven_after",
     .type = KeyType::kDuration,
     .help = "After this long without another ban, the next is a first one again",
     .min = 1 * kSecond,
     .max = 365 * kDay},
    {.name = "never",
     .type = KeyType::kCidrs,
     .help = "Addresses that are never banned; `trusted_proxies` never are"},
};
inline constexpr Block kBans{kBansKeys};

inline constexpr Key kConnectionsKeys[] = {
    {.name = "maximum",
     .type = KeyType::kInteger,
     .help = "Open connections of all listeners together; then the idlest make room",
     .min = 1,
     .max = 10'000'000},
};
inline constexpr Block kAllConnections{kConnectionsKeys};

inline constexpr Key kOverloadKeys[] = {
    {.name = "minimum",
     .type = KeyType::kInteger,
     .help = "Requests of a worker to an upstream that may always be under way",
     .min = 1,
     .max = 1'000'000},
    {.name = "initial",
     .type = KeyType::kInteger,
     .help = "The same, before anything has been measured",
     .min = 1,
     .max = 1'000'000},
    {.name = "maximum",
     .type = KeyType::kInteger,
     .help = "Requests of a worker to an upstream that may ever be under way",
     .min = 1,
     .max = 1'000'000},
    {.name = "tolerance",
     .type = KeyType::kInteger,
     .help = "Per cent of an operation's long-term latency that is no sign of a queue",
     .min = 110,
     .max = 1000},
};
inline constexpr Block kOverload{kOverloadKeys};

inline constexpr Key kMemoryKeys[] = {
    {.name = "ceiling",
     .type = KeyType::kSize,
     .help = "Memory of the process; as it comes near, first connections and then requests are "
             "refused",
     .min = 4 * kMiB,
     .max = 1ULL << 44U},
};
inline constexpr Block kMemory{kMemoryKeys};

}  // namespace portcullis::config
