// The part of the table of keys that is about shaping.h. For the other parts alone.
#pragma once

#include "config/keys.h"
#include "config/keys_common.h"

namespace portcullis::config {

inline constexpr Key kCorsKeys[] = {
    {.name = "origins",
     .type = KeyType::kStrings,
     .help = "Origins whose pages may read answers: https://app.example.com, "
             "https://*.example.com, or * alone",
     .required = true,
     .min = 1},
    {.name = "credentials",
     .type = KeyType::kBoolean,
     .help = "Whether such pages may send cookies and client certificates"},
    {.name = "headers",
     .type = KeyType::kStrings,
     .help = "Request fields that such pages may set"},
    {.name = "expose", .type = KeyType::kStrings, .help = "Answer fields that such pages may read"},
    {.name = "max_age",
     .type = KeyType::kDuration,
     .help = "How long a browser may remember a preflight; its own default unless said",
     .min = 0,
     .max = kDay},
};
inline constexpr Block kCors{kCorsKeys};

inline constexpr Key kAddressKeys[] = {
    {.name = "allow",
     .type = KeyType::kStrings,
     .help = "Networks (10.0.0.0/8) and files of them (file:PATH, one a line); all others are "
             "refused"},
    {.name = "deny",
     .type = KeyType::kStrings,
     .help = "Networks and files of them that are refused, allowed or not"},
};
inline constexpr Block kAddresses{kAddressKeys};

// What an API, a route, and an entry of `operations` all have.
inline constexpr Key kCorsKey{
    .name = "cors",
    .type = KeyType::kNoneOrMapping,
    .help =
        "Which pages of other origins may read answers, or none; not the gateway's matter "
        "unless said",
    .block = &kCors};
inline constexpr Key kAddressesKey{
    .name = "addresses",
    .type = KeyType::kMapping,
    .help = "From where one may call; those of an operation are asked besides its API's",
    .block = &kAddresses};

inline constexpr Key kRewriteKeys[] = {
    {.name = "from",
     .type = KeyType::kString,
     .help = "A path below base_path: /orders/{id}, /old/{rest...}",
     .required = true},
    {.name = "to",
     .type = KeyType::kString,
     .help = "The whole path that the upstream gets: /v2/items/{id}",
     .required = true},
};
inline constexpr Block kRewrite{kRewriteKeys};

inline constexpr Key kFieldEditKeys[] = {
    {.name = "set",
     .type = KeyType::kNamedStrings,
     .help = "Fields and their values, in place of what they were; values may name "
             "{identity.subject}, {identity.claims.NAME}, {request.id}, …"},
    {.name = "add",
     .type = KeyType::kNamedStrings,
     .help = "Fields and their values, beside what is there"},
    {.name = "remove", .type = KeyType::kStrings, .help = "Fields that go no further"},
};
inline constexpr Block kFieldEdits{kFieldEditKeys};

inline constexpr Key kMaintenanceKeys[] = {
    {.name = "retry_after",
     .type = KeyType::kDuration,
     .help = "What Retry-After says",
     .min = kSecond,
     .max = 365 * kDay},
    {.name = "body",
     .type = KeyType::kString,
     .help = "The body of the answer; a problem document unless said"},
    {.name = "content_type", .type = KeyType::kString, .help = "What `body` is"},
};
inline constexpr Block kMaintenance{kMaintenanceKeys};

inline constexpr Key kRespondKeys[] = {
    {.name = "status", .type = KeyType::kInteger, .help = "The status", .min = 200, .max = 599},
    {.name = "body", .type = KeyType::kString, .help = "The body"},
    {.name = "content_type", .type = KeyType::kString, .help = "What `body` is"},
    {.name = "headers",
     .type = KeyType::kNamedStrings,
     .help = "Further fields of the answer, and their values"},
};
inline constexpr Block kRespond{kRespondKeys};

inline constexpr Key kRedirectKeys[] = {
    {.name = "to",
     .type = KeyType::kString,
     .help = "An absolute path (/new) or a URL (https://…)",
     .required = true},
    {.name = "status",
     .type = KeyType::kInteger,
     .help = "301, 302, 303, 307 or 308",
     .min = 301,
     .max = 308},
};
inline constexpr Block kRedirect{kRedirectKeys};

inline constexpr Key kRedirectHttpsKeys[] = {
    {.name = "port",
     .type = KeyType::kInteger,
     .help = "The port of the URL that requests are sent to; that of the TLS listener unless said",
     .min = 1,
     .max = 65'535},
};
inline constexpr Block kRedirectHttps{kRedirectHttpsKeys};

inline constexpr Key kHstsKeys[] = {
    {.name = "max_age",
     .type = KeyType::kDuration,
     .help = "How long a browser shall speak nothing but https to the host",
     .required = true,
     .min = 0,
     .max = 3650 * kDay},
    {.name = "subdomains",
     .type = KeyType::kBoolean,
     .help = "Whether that is so for every host below it too"},
    {.name = "preload", .type = KeyType::kBoolean, .help = "Asks for the browsers' built-in list"},
};
inline constexpr Block kHsts{kHstsKeys};

}  // namespace portcullis::config
