// The part of the table of keys that is about listeners, their TLS and the admin listener. For
// keys.cc alone.
#pragma once

#include "config/keys.h"
#include "config/keys_common.h"
#include "config/keys_shaping.h"

namespace portcullis::config {

// The order of choices is that of the enumerators in config.h.
inline constexpr std::string_view kTlsVersions[] = {"1.2", "1.3"};
inline constexpr std::string_view kSlashChoices[] = {"refuse", "merge"};
inline constexpr std::string_view kKeepChoices[] = {"refuse", "keep"};

inline constexpr Key kCertificateKeys[] = {
    {.name = "cert",
     .type = KeyType::kFile,
     .help = "PEM file with the certificate and its chain, leaf first",
     .required = true},
    {.name = "key",
     .type = KeyType::kFile,
     .help = "PEM file with the private key",
     .required = true},
};
inline constexpr Block kCertificate{kCertificateKeys};

inline constexpr Key kTlsKeys[] = {
    {.name = "certificates",
     .type = KeyType::kList,
     .help = "At least one; chosen by the name that the client asks for, the first when it asks "
             "for none",
     .required = true,
     .min = 1,
     .block = &kCertificate},
    {.name = "minimum",
     .type = KeyType::kChoice,
     .help = "The oldest version of TLS that is spoken",
     .choices = kTlsVersions},
    {.name = "client_ca",
     .type = KeyType::kFile,
     .help = "PEM file with authorities: clients are asked for a certificate, and one that is "
             "shown must be of theirs"},
    {.name = "client_crl",
     .type = KeyType::kFile,
     .help = "PEM file with the revocation lists of those authorities; one that is out of date "
             "refuses every certificate that it covers"},
    {.name = "hsts",
     .type = KeyType::kDurationOrMapping,
     .help = "Strict-Transport-Security on every answer: 365d, or a block for more",
     .min = 0,
     .max = 3650 * kDay,
     .block = &kHsts},
};
inline constexpr Block kTls{kTlsKeys};

inline constexpr Key kListenerLimitKeys[] = {
    {.name = "connections",
     .type = KeyType::kInteger,
     .help = "Open connections in all",
     .min = 1,
     .max = 10'000'000},
    {.name = "connections_per_address",
     .type = KeyType::kInteger,
     .help = "Open connections from one address (IPv6: one /64)",
     .min = 1,
     .max = 10'000'000},
    {.name = "connection_rate_per_address",
     .type = KeyType::kRate,
     .help = "New connections from one address (IPv6: one /64) in a time; more are reset"},
    {.name = "head_size",
     .type = KeyType::kSize,
     .help = "Bytes of a request's line and fields",
     .min = 1 * kKiB,
     .max = 1 * kMiB},
    {.name = "head_fields",
     .type = KeyType::kInteger,
     .help = "Fields of a request",
     .min = 1,
     .max = 1000},
    {.name = "query_arguments",
     .type = KeyType::kInteger,
     .help = "Arguments of a query, divided by `&`; more get 414",
     .min = 0,
     .max = 100'000},
    {.name = "head_timeout",
     .type = KeyType::kDuration,
     .help = "From the first byte of a head to its last",
     .min = 10,
     .max = 1 * kHour},
    {.name = "handshake_timeout",
     .type = KeyType::kDuration,
     .help = "From the connection to the end of the TLS handshake",
     .min = 10,
     .max = 1 * kHour},
    {.name = "idle_timeout",
     .type = KeyType::kDuration,
     .help = "A connection without a request is closed after this",
     .min = 10,
     .max = 1 * kDay},
    {.name = "body_timeout",
     .type = KeyType::kDuration,
     .help = "A body of which no byte moves for this long is given up",
     .min = 10,
     .max = 1 * kDay},
    {.name = "minimum_body_rate",
     .type = KeyType::kSize,
     .help =
         "Bytes a second of a request's body, while we wait for it; slower ones get 408. 0: any",
     .min = 0,
     .max = 100 * kMiB},
    {.name = "minimum_send_rate",
     .type = KeyType::kSize,
     .help = "Bytes a second of an answer that a client must take; slower ones are cut off. 0: any",
     .min = 0,
     .max = 100 * kMiB},
    {.name = "rate_grace",
     .type = KeyType::kDuration,
     .help = "How long a transfer may be slower than these, in all",
     .min = 10,
     .max = 1 * kHour},
};
inline constexpr Block kListenerLimits{kListenerLimitKeys};

inline constexpr Key kPathKeys[] = {
    {.name = "duplicate_slashes",
     .type = KeyType::kChoice,
     .help = "`//` in a path: refuse, or merge into one",
     .choices = kSlashChoices},
    {.name = "encoded_slash",
     .type = KeyType::kChoice,
     .help = "`%2F` and `%5C` in a path: refuse, or keep as they are",
     .choices = kKeepChoices},
    {.name = "path_parameters",
     .type = KeyType::kChoice,
     .help = "`;` in a segment: refuse, or keep as it is",
     .choices = kKeepChoices},
};
inline constexpr Block kPaths{kPathKeys};

// Each rate is counted for one connection, which ends when it is exceeded.
inline constexpr Key kHttp2Keys[] = {
    {.name = "streams",
     .type = KeyType::kInteger,
     .help = "Requests at once",
     .min = 1,
     .max = 10'000},
    {.name = "resets",
     .type = KeyType::kRate,
     .help = "Requests that the client takes back, or that are reset for what it does"},
    {.name = "settings", .type = KeyType::kRate, .help = "SETTINGS frames"},
    {.name = "pings", .type = KeyType::kRate, .help = "PING frames"},
    {.name = "empty_frames",
     .type = KeyType::kRate,
     .help = "DATA, HEADERS and CONTINUATION frames of no bytes that end nothing"},
    {.name = "small_frames",
     .type = KeyType::kRate,
     .help = "DATA frames of less than 64 bytes that end nothing"},
    {.name = "control_frames",
     .type = KeyType::kRate,
     .help = "PRIORITY, GOAWAY, unknown frames, acknowledged PINGs, and WINDOW_UPDATE beyond two "
             "for each DATA frame that the client was sent"},
    {.name = "continuation_frames",
     .type = KeyType::kInteger,
     .help = "CONTINUATION frames of one header block",
     .min = 0,
     .max = 1'000},
};
inline constexpr Block kHttp2{kHttp2Keys};

inline constexpr Key kListenerKeys[] = {
    {.name = "address",
     .type = KeyType::kEndpoint,
     .help = "Address and port: `0.0.0.0:8443`, `[::]:8443`",
     .required = true},
    {.name = "tls", .type = KeyType::kMapping, .help = "Without it, clear text", .block = &kTls},
    {.name = "insecure",
     .type = KeyType::kBoolean,
     .help = "Must be true for clear text on an address beyond loopback"},
    {.name = "protocols",
     .type = KeyType::kStrings,
     .help = "What is spoken, most wanted first: h2 (HTTP/2; in clear text to clients that begin "
             "with it) and http/1.1",
     .min = 1,
     .choices = kProtocols},
    {.name = "limits",
     .type = KeyType::kMapping,
     .help = "Bounds on connections and heads",
     .block = &kListenerLimits},
    {.name = "paths",
     .type = KeyType::kMapping,
     .help = "What becomes of paths with more than one meaning",
     .block = &kPaths},
    {.name = "http2",
     .type = KeyType::kMapping,
     .help = "What one HTTP/2 connection may do",
     .block = &kHttp2},
    {.name = "redirect_https",
     .type = KeyType::kFlagOrMapping,
     .help = "Sends every request to https, and serves no API",
     .block = &kRedirectHttps},
    {.name = "proxy_protocol",
     .type = KeyType::kBoolean,
     .help = "Every connection begins with a PROXY header (version 1 or 2) of a proxy that "
             "`trusted_proxies` names; all others are closed"},
};
inline constexpr Block kListener{kListenerKeys};

inline constexpr Key kAdminKeys[] = {
    {.name = "address",
     .type = KeyType::kEndpoint,
     .help = "A loopback address and port",
     .required = true},
    {.name = "token",
     .type = KeyType::kSecret,
     .help = "What opens /metrics and the admin API, as a bearer token; without it only /healthz "
             "and /readyz answer"},
    {.name = "tls"},
};
inline constexpr Block kAdmin{kAdminKeys};

}  // namespace portcullis::config
