// The part of the table of keys that is about authenticators. For keys.cc alone.
#pragma once

#include "config/keys.h"
#include "config/keys_common.h"

namespace portcullis::config {

// The order of choices is that of the enumerators in config.h.
inline constexpr std::string_view kAlgorithms[] = {"RS256", "RS384", "RS512", "PS256", "PS384",
                                                   "PS512", "ES256", "ES384", "ES512", "EdDSA"};
inline constexpr std::string_view kCertificateNames[] = {"san.uri", "san.dns", "san.email",
                                                         "subject.dn"};

inline constexpr Key kJwtSourceKeys[] = {
    {.name = "url",
     .type = KeyType::kString,
     .help = "Where the key set is fetched: https, or http to loopback. Either this or `file`"},
    {.name = "file", .type = KeyType::kFile, .help = "A JWKS file. Either this or `url`"},
    {.name = "refresh",
     .type = KeyType::kDuration,
     .help = "How often the URL is fetched again",
     .min = 1 * kSecond,
     .max = 7 * kDay},
    {.name = "stale_for",
     .type = KeyType::kDuration,
     .help = "How long keys are kept while the issuer does not answer",
     .min = 1 * kSecond,
     .max = 30 * kDay},
};
inline constexpr Block kJwtSource{kJwtSourceKeys};

inline constexpr Key kJwtKeys[] = {
    {.name = "issuer",
     .type = KeyType::kString,
     .help = "What `iss` must be, exactly",
     .required = true},
    {.name = "audience",
     .type = KeyType::kStringOrList,
     .help = "`aud` must hold one of these",
     .required = true,
     .min = 1},
    {.name = "keys",
     .type = KeyType::kMapping,
     .help = "The keys of the issuer: `url` or `file`",
     .required = true,
     .block = &kJwtSource},
    {.name = "algorithms",
     .type = KeyType::kStrings,
     .help = "The signature algorithms that are accepted",
     .required = true,
     .min = 1,
     .choices = kAlgorithms},
    {.name = "roles",
     .type = KeyType::kString,
     .help = "Where roles are in the claims, as a dotted path: realm_access.roles"},
    {.name = "scopes", .type = KeyType::kString, .help = "Where scopes are in the claims"},
    {.name = "claims",
     .type = KeyType::kNamedStrings,
     .help = "Claims that limits and `forward` may use: their name here, and their dotted path in "
             "the token"},
    {.name = "leeway",
     .type = KeyType::kDuration,
     .help = "How far clocks may differ",
     .min = 0,
     .max = 5 * kMinute},
    {.name = "maximum_age",
     .type = KeyType::kDuration,
     .help = "A token that is valid for longer than this is refused",
     .min = 1 * kSecond,
     .max = 366 * kDay},
};
inline constexpr Block kJwt{kJwtKeys};

inline constexpr Key kApiKeyEntryKeys[] = {
    {.name = "id",
     .type = KeyType::kString,
     .help = "The id in the key: pc_<id>_<secret>; limits and logs name the key by it",
     .required = true},
    {.name = "hash",
     .type = KeyType::kString,
     .help = "sha256: and 64 hexadecimal digits, as `portcullis hash key` prints",
     .required = true},
    {.name = "roles", .type = KeyType::kStrings, .help = "What the holder may do"},
    {.name = "scopes", .type = KeyType::kStrings, .help = "Scopes of the holder, for the upstream"},
    {.name = "addresses",
     .type = KeyType::kCidrs,
     .help = "Networks that the key may be used from; anywhere unless said",
     .min = 1},
    {.name = "expires", .type = KeyType::kDate, .help = "The last day on which the key opens, UTC"},
};
inline constexpr Block kApiKeyEntry{kApiKeyEntryKeys};

inline constexpr Key kApiKeyKeys[] = {
    {.name = "header",
     .type = KeyType::kString,
     .help = "The request field that carries the key; none when `cookie` or `query` is said and "
             "this is not"},
    {.name = "cookie",
     .type = KeyType::kString,
     .help = "The cookie that carries the key. Requests that change something must then come "
             "from a page of the same origin"},
    {.name = "query",
     .type = KeyType::kString,
     .help = "The parameter of the query that carries the key. Addresses end up in logs: only for "
             "callers that can send no field"},
    {.name = "keys",
     .type = KeyType::kList,
     .help = "The keys, by their hashes",
     .required = true,
     .min = 1,
     .block = &kApiKeyEntry},
};
inline constexpr Block kApiKey{kApiKeyKeys};

inline constexpr Key kMutualTlsKeys[] = {
    {.name = "subject",
     .type = KeyType::kChoice,
     .help = "The name in the certificate that is the caller's: there must be exactly one of it",
     .required = true,
     .choices = kCertificateNames},
    {.name = "roles",
     .type = KeyType::kStrings,
     .help = "What every holder of a certificate may do"},
};
inline constexpr Block kMutualTls{kMutualTlsKeys};

inline constexpr Key kAuthenticatorKeys[] = {
    {.name = "jwt",
     .type = KeyType::kMapping,
     .help = "Bearer tokens of an issuer",
     .block = &kJwt},
    {.name = "api_key", .type = KeyType::kMapping, .help = "Keys of machines", .block = &kApiKey},
    {.name = "mutual_tls",
     .type = KeyType::kMapping,
     .help = "Client certificates of a listener's `tls.client_ca`",
     .block = &kMutualTls},
    {.name = "identity"},
    {.name = "openid_connect"},
};
inline constexpr Block kAuthenticator{kAuthenticatorKeys};

}  // namespace portcullis::config
