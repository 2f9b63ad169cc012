#include "config/keys.h"

#include "config/keys_authenticators.h"
#include "config/keys_common.h"
#include "config/keys_listeners.h"
#include "config/keys_overload.h"
#include "config/keys_shaping.h"
#include "config/keys_upstreams.h"

namespace portcullis::config {
namespace {

using enum KeyType;

// The order of choices is that of the enumerators in config.h.
constexpr std::string_view kForwardChoices[] = {"remove", "keep"};
constexpr std::string_view kCodings[] = {"br", "gzip", "zstd"};
constexpr std::string_view kCodedBodies[] = {"none", "refuse"};
constexpr std::string_view kForwardCertificates[] = {"none", "leaf", "chain"};
constexpr std::string_view kLogFormats[] = {"json"};
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
    kAuthenticateKey,  kLimitsKey,           kTimeoutKey, kBodySizeKey,    kRetriesKey,
    kCompressionKey,   kDecompressKey,       kCorsKey,    kAddressesKey,   {.name = "own"},
    {.name = "cache"}, {.name = "firewall"}, kUpgradeKey, kConcurrencyKey, kPriorityKey,
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
    kConcurrencyKey,
    kPriorityKey,
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
    kConcurrencyKey,
    kPriorityKey,
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
    {.name = "connections",
     .type = kMapping,
     .help = "Bounds on the connections of all listeners together",
     .block = &kAllConnections},
    {.name = "memory",
     .type = kMapping,
     .help = "How much the process may take",
     .block = &kMemory},
    {.name = "overload",
     .type = kFlagOrMapping,
     .help = "true, or a block for more: requests that an upstream cannot answer soon get 503, "
             "those of low priority first",
     .block = &kOverload},
    {.name = "bans",
     .type = kMapping,
     .help = "Whom to refuse for a time, for what it did again and again",
     .block = &kBans},
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
