#include "config/keys.h"

#include "config/keys_shaping.h"

namespace portcullis::config {
namespace {

using enum KeyType;

constexpr std::uint64_t kSecond = 1000;
constexpr std::uint64_t kMinute = 60 * kSecond;
constexpr std::uint64_t kHour = 60 * kMinute;
constexpr std::uint64_t kDay = 24 * kHour;
constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;

// The order of choices is that of the enumerators in config.h.
constexpr std::string_view kTlsVersions[] = {"1.2", "1.3"};
constexpr std::string_view kSlashChoices[] = {"refuse", "merge"};
constexpr std::string_view kKeepChoices[] = {"refuse", "keep"};
constexpr std::string_view kForwardChoices[] = {"remove", "keep"};
constexpr std::string_view kCodings[] = {"br", "gzip", "zstd"};
constexpr std::string_view kCodedBodies[] = {"none", "refuse"};
constexpr std::string_view kForwardCertificates[] = {"none", "leaf", "chain"};
constexpr std::string_view kCertificateNames[] = {"san.uri", "san.dns", "san.email", "subject.dn"};
constexpr std::string_view kBalances[] = {"round_robin", "least_requests"};
constexpr std::string_view kProxyVersions[] = {"none", "v1", "v2"};
constexpr std::string_view kBalancesToCome[] = {"consistent_hash", "peak_ewma"};
constexpr std::string_view kProtocols[] = {"http/1.1"};
constexpr std::string_view kProtocolsToCome[] = {"h2"};
constexpr std::string_view kLogFormats[] = {"json"};
constexpr std::string_view kAlgorithms[] = {"RS256", "RS384", "RS512", "PS256", "PS384",
                                            "PS512", "ES256", "ES384", "ES512", "EdDSA"};
// The registered methods (IANA HTTP Method Registry) without CONNECT and TRACE, which a gateway
// has no use for and attackers have.
constexpr std::string_view kMethods[] = {"GET",
                                         "HEAD",
                                         "POST",
                                         "PUT",
                                         "PATCH",
                                         "DELETE",
                                         "OPTIONS",
                                         "ACL",
                                         "BASELINE-CONTROL",
                                         "BIND",
                                         "CHECKIN",
                                         "CHECKOUT",
                                         "COPY",
                                         "LABEL",
                                         "LINK",
                                         "LOCK",
                                         "MERGE",
                                         "MKACTIVITY",
                                         "MKCALENDAR",
                                         "MKCOL",
                                         "MKREDIRECTREF",
                                         "MKWORKSPACE",
                                         "MOVE",
                                         "ORDERPATCH",
                                         "PROPFIND",
                                         "PROPPATCH",
                                         "QUERY",
                                         "REBIND",
                                         "REPORT",
                                         "SEARCH",
                                         "UNBIND",
                                         "UNCHECKOUT",
                                         "UNLINK",
                                         "UNLOCK",
                                         "UPDATE",
                                         "UPDATEREDIRECTREF",
                                         "VERSION-CONTROL"};

constexpr Key kCertificateKeys[] = {
    {.name = "cert",
     .type = kFile,
     .help = "PEM file with the certificate and its chain, leaf first",
     .required = true},
    {.name = "key", .type = kFile, .help = "PEM file with the private key", .required = true},
};
constexpr Block kCertificate{kCertificateKeys};

constexpr Key kTlsKeys[] = {
    {.name = "certificates",
     .type = kList,
     .help = "At least one; chosen by the name that the client asks for, the first when it asks "
             "for none",
     .required = true,
     .min = 1,
     .block = &kCertificate},
    {.name = "minimum",
     .type = kChoice,
     .help = "The oldest version of TLS that is spoken",
     .choices = kTlsVersions},
    {.name = "client_ca",
     .type = kFile,
     .help = "PEM file with authorities: clients are asked for a certificate, and one that is "
             "shown must be of theirs"},
    {.name = "client_crl",
     .type = kFile,
     .help = "PEM file with the revocation lists of those authorities; one that is out of date "
             "refuses every certificate that it covers"},
    {.name = "hsts",
     .type = kDurationOrMapping,
     .help = "Strict-Transport-Security on every answer: 365d, or a block for more",
     .min = 0,
     .max = 3650 * kDay,
     .block = &kHsts},
};
constexpr Block kTls{kTlsKeys};

constexpr Key kListenerLimitKeys[] = {
    {.name = "connections",
     .type = kInteger,
     .help = "Open connections in all",
     .min = 1,
     .max = 10'000'000},
    {.name = "connections_per_address",
     .type = kInteger,
     .help = "Open connections from one address (IPv6: one /64)",
     .min = 1,
     .max = 10'000'000},
    {.name = "head_size",
     .type = kSize,
     .help = "Bytes of a request's line and fields",
     .min = 1 * kKiB,
     .max = 1 * kMiB},
    {.name = "head_fields", .type = kInteger, .help = "Fields of a request", .min = 1, .max = 1000},
    {.name = "head_timeout",
     .type = kDuration,
     .help = "From the first byte of a head to its last, and for the TLS handshake",
     .min = 10,
     .max = 1 * kHour},
    {.name = "idle_timeout",
     .type = kDuration,
     .help = "A connection without a request is closed after this",
     .min = 10,
     .max = 1 * kDay},
    {.name = "body_timeout",
     .type = kDuration,
     .help = "A body of which no byte moves for this long is given up",
     .min = 10,
     .max = 1 * kDay},
};
constexpr Block kListenerLimits{kListenerLimitKeys};

constexpr Key kPathKeys[] = {
    {.name = "duplicate_slashes",
     .type = kChoice,
     .help = "`//` in a path: refuse, or merge into one",
     .choices = kSlashChoices},
    {.name = "encoded_slash",
     .type = kChoice,
     .help = "`%2F` and `%5C` in a path: refuse, or keep as they are",
     .choices = kKeepChoices},
    {.name = "path_parameters",
     .type = kChoice,
     .help = "`;` in a segment: refuse, or keep as it is",
     .choices = kKeepChoices},
};
constexpr Block kPaths{kPathKeys};

constexpr Key kListenerKeys[] = {
    {.name = "address",
     .type = kEndpoint,
     .help = "Address and port: `0.0.0.0:8443`, `[::]:8443`",
     .required = true},
    {.name = "tls", .type = kMapping, .help = "Without it, clear text", .block = &kTls},
    {.name = "insecure",
     .type = kBoolean,
     .help = "Must be true for clear text on an address beyond loopback"},
    {.name = "protocols",
     .type = kStrings,
     .help = "What is spoken",
     .min = 1,
     .choices = kProtocols,
     .not_built_choices = kProtocolsToCome},
    {.name = "limits",
     .type = kMapping,
     .help = "Bounds on connections and heads",
     .block = &kListenerLimits},
    {.name = "paths",
     .type = kMapping,
     .help = "What becomes of paths with more than one meaning",
     .block = &kPaths},
    {.name = "http2"},
    {.name = "redirect_https",
     .type = kFlagOrMapping,
     .help = "Sends every request to https, and serves no API",
     .block = &kRedirectHttps},
    {.name = "proxy_protocol",
     .type = kBoolean,
     .help = "Every connection begins with a PROXY header (version 1 or 2) of a proxy that "
             "`trusted_proxies` names; all others are closed"},
};
constexpr Block kListener{kListenerKeys};

constexpr Key kAdminKeys[] = {
    {.name = "address", .type = kEndpoint, .help = "A loopback address and port", .required = true},
    {.name = "token",
     .type = kSecret,
     .help = "What opens /metrics and the admin API, as a bearer token; without it only /healthz "
             "and /readyz answer"},
    {.name = "tls"},
};
constexpr Block kAdmin{kAdminKeys};

constexpr Key kJwtSourceKeys[] = {
    {.name = "url",
     .type = kString,
     .help = "Where the key set is fetched: https, or http to loopback. Either this or `file`"},
    {.name = "file", .type = kFile, .help = "A JWKS file. Either this or `url`"},
    {.name = "refresh",
     .type = kDuration,
     .help = "How often the URL is fetched again",
     .min = 1 * kSecond,
     .max = 7 * kDay},
    {.name = "stale_for",
     .type = kDuration,
     .help = "How long keys are kept while the issuer does not answer",
     .min = 1 * kSecond,
     .max = 30 * kDay},
};
constexpr Block kJwtSource{kJwtSourceKeys};

constexpr Key kJwtKeys[] = {
    {.name = "issuer", .type = kString, .help = "What `iss` must be, exactly", .required = true},
    {.name = "audience",
     .type = kStringOrList,
     .help = "`aud` must hold one of these",
     .required = true,
     .min = 1},
    {.name = "keys",
     .type = kMapping,
     .help = "The keys of the issuer: `url` or `file`",
     .required = true,
     .block = &kJwtSource},
    {.name = "algorithms",
     .type = kStrings,
     .help = "The signature algorithms that are accepted",
     .required = true,
     .min = 1,
     .choices = kAlgorithms},
    {.name = "roles",
     .type = kString,
     .help = "Where roles are in the claims, as a dotted path: realm_access.roles"},
    {.name = "scopes", .type = kString, .help = "Where scopes are in the claims"},
    {.name = "claims",
     .type = kNamedStrings,
     .help = "Claims that limits and `forward` may use: their name here, and their dotted path in "
             "the token"},
    {.name = "leeway",
     .type = kDuration,
     .help = "How far clocks may differ",
     .min = 0,
     .max = 5 * kMinute},
    {.name = "maximum_age",
     .type = kDuration,
     .help = "A token that is valid for longer than this is refused",
     .min = 1 * kSecond,
     .max = 366 * kDay},
};
constexpr Block kJwt{kJwtKeys};

constexpr Key kApiKeyEntryKeys[] = {
    {.name = "id",
     .type = kString,
     .help = "The id in the key: pc_<id>_<secret>; limits and logs name the key by it",
     .required = true},
    {.name = "hash",
     .type = kString,
     .help = "sha256: and 64 hexadecimal digits, as `portcullis hash key` prints",
     .required = true},
    {.name = "roles", .type = kStrings, .help = "What the holder may do"},
    {.name = "scopes", .type = kStrings, .help = "Scopes of the holder, for the upstream"},
    {.name = "addresses",
     .type = kCidrs,
     .help = "Networks that the key may be used from; anywhere unless said",
     .min = 1},
    {.name = "expires", .type = kDate, .help = "The last day on which the key opens, UTC"},
};
constexpr Block kApiKeyEntry{kApiKeyEntryKeys};

constexpr Key kApiKeyKeys[] = {
    {.name = "header",
     .type = kString,
     .help = "The request field that carries the key; none when `cookie` or `query` is said and "
             "this is not"},
    {.name = "cookie",
     .type = kString,
     .help = "The cookie that carries the key. Requests that change something must then come "
             "from a page of the same origin"},
    {.name = "query",
     .type = kString,
     .help = "The parameter of the query that carries the key. Addresses end up in logs: only for "
             "callers that can send no field"},
    {.name = "keys",
     .type = kList,
     .help = "The keys, by their hashes",
     .required = true,
     .min = 1,
     .block = &kApiKeyEntry},
};
constexpr Block kApiKey{kApiKeyKeys};

constexpr Key kMutualTlsKeys[] = {
    {.name = "subject",
     .type = kChoice,
     .help = "The name in the certificate that is the caller's: there must be exactly one of it",
     .required = true,
     .choices = kCertificateNames},
    {.name = "roles", .type = kStrings, .help = "What every holder of a certificate may do"},
};
constexpr Block kMutualTls{kMutualTlsKeys};

constexpr Key kAuthenticatorKeys[] = {
    {.name = "jwt", .type = kMapping, .help = "Bearer tokens of an issuer", .block = &kJwt},
    {.name = "api_key", .type = kMapping, .help = "Keys of machines", .block = &kApiKey},
    {.name = "mutual_tls",
     .type = kMapping,
     .help = "Client certificates of a listener's `tls.client_ca`",
     .block = &kMutualTls},
    {.name = "identity"},
    {.name = "openid_connect"},
};
constexpr Block kAuthenticator{kAuthenticatorKeys};

constexpr Key kLimitKeys[] = {
    {.name = "key",
     .type = kStringOrList,
     .help = "What is counted apart: client.address, identity.subject, identity.key, "
             "identity.claims.NAME, operation, or a list of them. Requests that lack it share one "
             "bucket",
     .required = true,
     .min = 1},
    {.name = "rate", .type = kRate, .help = "Requests in a time: 200/s, 5/15m", .required = true},
    {.name = "burst",
     .type = kInteger,
     .help = "Requests that may come at once; the number in the rate unless said",
     .min = 1,
     .max = 1'000'000'000},
    {.name = "quota", .replaces = "rate"},
};
constexpr Block kLimit{kLimitKeys};

// What an API, a route, and an entry of `operations` all have.
constexpr Key kAuthenticateKey{
    .name = "authenticate",
    .type = kAuthenticate,
    .help = "Names of the authenticators that are accepted, or none: open to everyone"};
constexpr Key kLimitsKey{.name = "limits",
                         .type = kStrings,
                         .help = "Names of limits; those of an operation are added to its API's"};
constexpr Key kTimeoutKey{.name = "timeout",
                          .type = kDuration,
                          .help = "How long the upstream may take to answer",
                          .min = 1,
                          .max = 1 * kDay};
constexpr Key kBodySizeKey{.name = "body_size",
                           .type = kSize,
                           .help = "Bytes of a request's body",
                           .min = 0,
                           .max = 1ULL << 40U};
constexpr Key kRetriesKey{.name = "retries",
                          .type = kInteger,
                          .help = "Further attempts at a request that was certainly not processed",
                          .min = 0,
                          .max = 10};

constexpr Key kCompressionKey{
    .name = "compression",
    .type = kChoices,
    .help = "Codings that responses may be compressed with, the preferred one first, or none",
    .min = 1,
    .choices = kCodings};

constexpr Key kDecompressKeys[] = {
    {.name = "ratio",
     .type = kInteger,
     .help = "Decoded bytes for each coded one",
     .min = 1,
     .max = 100'000},
    {.name = "size",
     .type = kSize,
     .help = "Bytes of the decoded body",
     .min = 1,
     .max = 1ULL << 40U},
};
constexpr Block kDecompressBlock{kDecompressKeys};
constexpr Key kDecompressKey{
    .name = "decompress",
    .type = kChoiceOrMapping,
    .help =
        "Request bodies with a Content-Encoding: none passes them on as they are, refuse answers "
        "415, a ratio and a size decode them within these bounds",
    .choices = kCodedBodies,
    .block = &kDecompressBlock};

constexpr Key kUpgradeKey{.name = "upgrade",
                          .type = kStringOrList,
                          .help =
                              "Protocols that a connection may switch to: websocket, or others by "
                              "name; none unless said. Never HTTP in another form"};

constexpr Key kOperationKeys[] = {
    kAuthenticateKey,  kLimitsKey,           kTimeoutKey, kBodySizeKey,  kRetriesKey,
    kCompressionKey,   kDecompressKey,       kCorsKey,    kAddressesKey, {.name = "own"},
    {.name = "cache"}, {.name = "firewall"}, kUpgradeKey,
};
constexpr Block kOperation{kOperationKeys};

constexpr Key kRouteKeys[] = {
    {.name = "path",
     .type = kString,
     .help = "Below base_path; a parameter takes a whole segment: /orders/{id}, and at the end all "
             "that is left: /files/{path...}",
     .required = true},
    {.name = "methods",
     .type = kStringOrList,
     .help = "GET, POST, …",
     .required = true,
     .min = 1,
     .choices = kMethods},
    {.name = "operation",
     .type = kString,
     .help = "The name that roles permit, unique in the API",
     .required = true},
    kAuthenticateKey,
    kLimitsKey,
    kTimeoutKey,
    kBodySizeKey,
    kRetriesKey,
    kCompressionKey,
    kDecompressKey,
    kUpgradeKey,
    kCorsKey,
    kAddressesKey,
    {.name = "respond",
     .type = kMapping,
     .help = "The gateway answers itself: status, body, fields",
     .block = &kRespond},
    {.name = "redirect",
     .type = kMapping,
     .help = "The gateway sends the caller elsewhere",
     .block = &kRedirect},
    {.name = "own"},
    {.name = "cache"},
    {.name = "firewall"},
};
constexpr Block kRoute{kRouteKeys};

constexpr Key kForwardKeys[] = {
    {.name = "authorization",
     .type = kChoice,
     .help = "The Authorization field: remove, or keep",
     .choices = kForwardChoices},
    {.name = "client_certificate",
     .type = kChoice,
     .help = "What of a client's certificate goes to the upstream, as Client-Cert and "
             "Client-Cert-Chain (RFC 9440): none, leaf, or chain",
     .choices = kForwardCertificates},
    {.name = "identity",
     .type = kNamedStrings,
     .help = "Request fields that tell the upstream who is calling: a field's name, and subject, "
             "authenticator, issuer, roles, scopes, key or claims.NAME. Removed when they come "
             "from outside"},
};
constexpr Block kForward{kForwardKeys};

constexpr Key kApiKeys[] = {
    {.name = "listeners",
     .type = kStrings,
     .help = "Names of the listeners that serve the API",
     .required = true,
     .min = 1},
    {.name = "hosts",
     .type = kStrings,
     .help = "Host names, exact or *.example.com; every host unless said",
     .min = 1},
    {.name = "base_path", .type = kString, .help = "What all paths begin with: /v1"},
    {.name = "upstream",
     .type = kString,
     .help = "The name of the upstream that answers; needed unless every route answers itself"},
    kAuthenticateKey,
    kLimitsKey,
    kTimeoutKey,
    kBodySizeKey,
    kRetriesKey,
    kCompressionKey,
    kDecompressKey,
    kUpgradeKey,
    kCorsKey,
    kAddressesKey,
    {.name = "strip_prefix",
     .type = kBoolean,
     .help = "Whether base_path is taken off before the upstream gets the path"},
    {.name = "rewrite",
     .type = kOneOrList,
     .help = "What becomes of paths before the upstream gets them; the first that fits decides",
     .block = &kRewrite},
    {.name = "request_headers",
     .type = kMapping,
     .help = "Fields of requests to the upstream",
     .block = &kFieldEdits},
    {.name = "response_headers",
     .type = kMapping,
     .help = "Fields of answers to the client",
     .block = &kFieldEdits},
    {.name = "maintenance",
     .type = kFlagOrMapping,
     .help = "true: every request gets 503 with Retry-After",
     .block = &kMaintenance},
    {.name = "forward",
     .type = kMapping,
     .help = "What the upstream learns of the caller",
     .block = &kForward},
    {.name = "routes",
     .type = kList,
     .help = "Paths and methods, and the operations that they are",
     .required = true,
     .min = 1,
     .block = &kRoute},
    {.name = "operations",
     .type = kNamed,
     .help = "Settings of operations by name, where they do not stand in the route",
     .block = &kOperation},
    {.name = "openapi", .replaces = "routes"},
    {.name = "firewall"},
    {.name = "responses"},
    {.name = "cache"},
    {.name = "own"},
};
constexpr Block kApi{kApiKeys};

constexpr Key kConnectionKeys[] = {
    {.name = "maximum",
     .type = kInteger,
     .help = "Connections of each worker to each target",
     .min = 1,
     .max = 65'535},
    {.name = "connect_timeout",
     .type = kDuration,
     .help = "How long a connection may take to be made",
     .min = 1,
     .max = 5 * kMinute},
    {.name = "idle_timeout",
     .type = kDuration,
     .help = "A connection without a request is closed after this",
     .min = 10,
     .max = 1 * kDay},
};
constexpr Block kConnections{kConnectionKeys};

constexpr Key kHealthKeys[] = {
    {.name = "path", .type = kString, .help = "What is asked for: /healthz", .required = true},
    {.name = "every",
     .type = kDuration,
     .help = "From the end of one probe to the next",
     .min = 100,
     .max = 1 * kHour},
    {.name = "timeout",
     .type = kDuration,
     .help = "How long a probe may take, connecting included",
     .min = 10,
     .max = 10 * kSecond},
    {.name = "unhealthy_after",
     .type = kInteger,
     .help = "Failed probes in a row that take a target out",
     .min = 1,
     .max = 100},
    {.name = "healthy_after",
     .type = kInteger,
     .help = "Good probes in a row that take it in again",
     .min = 1,
     .max = 100},
    {.name = "status",
     .type = kInteger,
     .help = "The one status that is good; any 2xx unless said",
     .min = 200,
     .max = 599},
};
constexpr Block kHealth{kHealthKeys};

constexpr Key kEjectKeys[] = {
    {.name = "consecutive_errors",
     .type = kInteger,
     .help = "Failed requests in a row that take a target out",
     .min = 1,
     .max = 1000},
    {.name = "for",
     .type = kDuration,
     .help = "How long it is left alone",
     .min = 100,
     .max = 1 * kHour},
};
constexpr Block kEject{kEjectKeys};
constexpr Key kUpstreamTlsKeys[] = {
    {.name = "ca",
     .type = kFile,
     .help = "PEM file with the authorities that the targets' certificates must be of"},
    {.name = "server_name",
     .type = kString,
     .help = "The host that the certificates must be for, which is also asked for"},
    {.name = "cert",
     .type = kFile,
     .help = "PEM file with the certificate and chain that targets are shown when they ask"},
    {.name = "key", .type = kFile, .help = "PEM file with its private key"},
};
constexpr Block kUpstreamTls{kUpstreamTlsKeys};

constexpr Key kUpstreamKeys[] = {
    {.name = "targets",
     .type = kStrings,
     .help = "host:port, address:port or unix:/path; names are resolved, and resolved again",
     .required = true,
     .min = 1},
    {.name = "balance",
     .type = kChoice,
     .help = "How a target is chosen",
     .choices = kBalances,
     .not_built_choices = kBalancesToCome},
    {.name = "connections",
     .type = kMapping,
     .help = "The pool of connections",
     .block = &kConnections},
    {.name = "protocol",
     .type = kChoice,
     .help = "What the targets speak",
     .choices = kProtocols,
     .not_built_choices = kProtocolsToCome},
    {.name = "health",
     .type = kMapping,
     .help = "Whether the targets are well, asked again and again",
     .block = &kHealth},
    {.name = "eject",
     .type = kMapping,
     .help = "When a target that fails in use is left alone",
     .block = &kEject},
    {.name = "proxy_protocol",
     .type = kChoice,
     .help = "The version of the PROXY header that tells the targets whose connection it is. "
             "Such a connection serves one request",
     .choices = kProxyVersions},
    {.name = "allow_addresses",
     .type = kCidrs,
     .help = "The only addresses that the names of targets may resolve to; unless said any but "
             "loopback, link-local and other special ones"},
    {.name = "tls",
     .type = kMapping,
     .help = "TLS to the targets, which are verified always; without it, clear text",
     .block = &kUpstreamTls},
};
constexpr Block kUpstream{kUpstreamKeys};

constexpr Key kAccessKeys[] = {
    {.name = "to", .type = kFile, .help = "stdout, stderr, or a file, reopened on SIGUSR1"},
    {.name = "format", .type = kChoice, .help = "json: one object a line", .choices = kLogFormats},
};
constexpr Block kAccess{kAccessKeys};

constexpr Key kLogKeys[] = {
    {.name = "access",
     .type = kAccessLog,
     .help = "A line for each request, or off",
     .block = &kAccess},
    {.name = "audit"},
};
constexpr Block kLog{kLogKeys};

constexpr Key kStreamsKeys[] = {
    {.name = "maximum_age",
     .type = kDuration,
     .help = "The longest that an answer or a tunnel may last",
     .min = 1 * kSecond,
     .max = 30 * kDay},
    {.name = "idle_timeout",
     .type = kDuration,
     .help = "A tunnel or an event stream on which no byte moves for this long is ended",
     .min = 1 * kSecond,
     .max = 7 * kDay},
};
constexpr Block kStreams{kStreamsKeys};

constexpr Key kRootKeys[] = {
    {.name = "version",
     .type = kInteger,
     .help = "Of the file's format: 1",
     .required = true,
     .min = 1,
     .max = 1},
    {.name = "include",
     .type = kStringOrList,
     .help = "Files whose blocks are added to this one's, relative to the folder of this file",
     .min = 1},
    {.name = "workers",
     .type = kWorkers,
     .help = "Worker threads: auto is one a core",
     .min = 1,
     .max = 256},
    {.name = "drain_timeout",
     .type = kDuration,
     .help = "How long requests may still take after SIGTERM",
     .min = 0,
     .max = 1 * kHour},
    {.name = "listeners",
     .type = kNamed,
     .help = "Where requests come in",
     .required = true,
     .min = 1,
     .block = &kListener},
    {.name = "trusted_proxies",
     .type = kCidrs,
     .help = "From these alone are Forwarded, X-Forwarded-*, X-Request-Id and PROXY headers "
             "believed"},
    {.name = "resolver",
     .type = kStringOrList,
     .help = "DNS servers that are asked for names: 10.0.0.2, 127.0.0.1:5353; those of "
             "/etc/resolv.conf unless said",
     .min = 1},
    {.name = "admin",
     .type = kMapping,
     .help = "Health, metrics and the admin API",
     .block = &kAdmin},
    {.name = "authenticators",
     .type = kNamed,
     .help = "Who vouches for callers; an API names the ones that it accepts",
     .block = &kAuthenticator},
    {.name = "roles",
     .type = kNamedLists,
     .help = "A role, and the operations (operation, or api.operation) and roles that it "
             "includes"},
    {.name = "limits", .type = kNamed, .help = "How much of what in a time", .block = &kLimit},
    {.name = "apis",
     .type = kNamed,
     .help = "What is served",
     .required = true,
     .min = 1,
     .block = &kApi},
    {.name = "upstreams", .type = kNamed, .help = "Who answers", .block = &kUpstream},
    {.name = "streams",
     .type = kMapping,
     .help = "Bounds of what has no end of its own: tunnels, event streams",
     .block = &kStreams},
    {.name = "log", .type = kMapping, .help = "What is recorded", .block = &kLog},
    {.name = "memory"},
    {.name = "storage"},
    {.name = "identity"},
    {.name = "policies"},
    {.name = "entities"},
    {.name = "policy_time_zone"},
    {.name = "locations"},
    {.name = "firewall"},
    {.name = "traces"},
};
constexpr Block kRoot{kRootKeys};

}  // namespace

const Key* Block::find(std::string_view name) const {
  for (const Key& key : keys)
    if (key.name == name) return &key;
  return nullptr;
}

const Block& root_block() { return kRoot; }

}  // namespace portcullis::config
