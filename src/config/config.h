// What the operator wrote, as plain data. Every default is here, and nothing else: no behaviour, no
// I/O. Names and shapes are those of the YAML; docs/configuration.md explains them.
#pragma once

#include "base/ip.h"
#include "base/secret.h"
#include "config/diagnostics.h"
#include "config/overload.h"
#include "config/rate.h"
#include "config/shaping.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace portcullis::config {

using std::chrono::milliseconds;

// A string of the file with the place where it stands, for errors that are found later.
struct Text {
  std::string value;
  Position at;
};

struct CertificateFiles {
  std::string cert;  // PEM, leaf first; resolved against the folder of the file that names it
  std::string key;
  Position at;
};

enum class TlsVersion : std::uint8_t { kTls12, kTls13 };

struct Tls {
  std::vector<CertificateFiles>
      certificates;  // at least one; the first serves clients that name no host
  TlsVersion minimum = TlsVersion::kTls12;
  std::optional<Hsts> hsts;
  Text client_ca;   // PEM: whose client certificates are good; empty: none is asked for
  Text client_crl;  // PEM: revocation lists; empty: none is looked at
};

// Of one HTTP/2 connection.
struct Http2Limits {
  std::uint32_t streams = 128;
  Rate resets{200, milliseconds{30'000}};
  Rate settings{20, milliseconds{10'000}};
  Rate pings{20, milliseconds{10'000}};
  Rate empty_frames{100, milliseconds{10'000}};
  Rate small_frames{20'000, milliseconds{10'000}};
  Rate control_frames{1'000, milliseconds{10'000}};
  std::uint32_t continuation_frames = 8;
};

// In the order of the choices in keys_common.h.
enum class Protocol : std::uint8_t { kHttp11, kH2 };

struct ListenerLimits {
  std::uint32_t connections = 20000;
  std::optional<Position> connections_at;  // nothing: not said
  std::uint32_t connections_per_address = 256;
  Rate connection_rate_per_address{1'000, milliseconds{1'000}};
  std::uint32_t head_size = 32 * 1024;  // bytes, request line and fields
  std::uint32_t head_fields = 100;
  std::uint32_t query_arguments = 1'000;
  milliseconds head_timeout{10'000};              // from the first byte of a head to its last
  std::optional<milliseconds> handshake_timeout;  // of TLS; nothing: as head_timeout
  milliseconds idle_timeout{75'000};              // between requests
  milliseconds body_timeout{30'000};              // without a byte of a body moving, either way
  std::uint32_t minimum_body_rate = 240;          // bytes a second of a request's body; 0: any
  std::uint32_t minimum_send_rate = 240;  // bytes a second of an answer that a client takes; 0: any
  std::optional<milliseconds> rate_grace;  // how long either may be below
};

enum class DuplicateSlashes : std::uint8_t { kRefuse, kMerge };
enum class EncodedSlash : std::uint8_t { kRefuse, kKeep };
enum class PathParameters : std::uint8_t { kRefuse, kKeep };

struct Paths {
  DuplicateSlashes duplicate_slashes = DuplicateSlashes::kRefuse;
  EncodedSlash encoded_slash = EncodedSlash::kRefuse;        // also `%5C`
  PathParameters path_parameters = PathParameters::kRefuse;  // `;` in a segment (RFC 3986 3.3)
};

struct Listener {
  std::string name;
  IpEndpoint address;
  std::optional<Tls> tls;
  bool insecure = false;        // clear text beyond loopback, said on purpose
  bool proxy_protocol = false;  // every connection begins with a PROXY header, of a trusted proxy
  RedirectHttps redirect_https;
  std::vector<Protocol> protocols;  // most wanted first; never empty
  ListenerLimits limits;
  Http2Limits http2;
  Paths paths;

  [[nodiscard]] bool speaks(Protocol protocol) const {
    return std::ranges::find(protocols, protocol) != protocols.end();
  }
  Position at;
};

struct Admin {
  IpEndpoint address;
  Secret token;  // empty: only the open paths answer
  Position at;
};

struct JwtKeys {
  std::string url;   // https, or http to loopback; or
  std::string file;  // a JWKS file
  milliseconds refresh{600'000};
  milliseconds stale_for{86'400'000};
};

struct Jwt {
  std::string issuer;
  std::vector<std::string> audience;  // any of them; YAML takes one string or a list
  JwtKeys keys;
  std::vector<std::string> algorithms;  // RS256 … EdDSA; never empty, never `none` or HS*
  std::string roles;  // dotted path into the claims; empty: no roles from the token
  std::string scopes = "scope";
  std::map<std::string, std::string> claims;  // our name -> dotted path in the token
  std::chrono::seconds leeway{30};            // 0 to 300 s
  std::chrono::seconds maximum_age{
      86'400};  // a token whose `exp` is further ahead than this is refused
};

struct ApiKey {
  std::string id;
  std::string sha256;  // 32 bytes, from `hash: "sha256:<64 hex digits>"`
  std::vector<std::string> roles;
  std::vector<std::string> scopes;
  std::vector<Cidr> addresses;                      // where it may be used from; empty: anywhere
  std::optional<std::chrono::sys_seconds> expires;  // YYYY-MM-DD: through the end of that day, UTC
  Position at;
};

// Where a key may stand in a request, and the keys. Empty: not there.
struct ApiKeys {
  std::string header = "x-api-key";  // lower case; only where nothing else is named
  std::vector<ApiKey> keys;
  std::string cookie;
  std::string query;  // name of a parameter
};

// Which name of a client's certificate is the caller's.
enum class CertificateName : std::uint8_t { kUri, kDns, kEmail, kDistinguished };

struct MutualTls {
  CertificateName subject = CertificateName::kUri;
  std::vector<std::string> roles;
};

struct Authenticator {
  std::string name;
  std::optional<Jwt> jwt;  // exactly one of these
  std::optional<ApiKeys> api_key;
  std::optional<MutualTls> mutual_tls;
  Position at;
};

struct Role {
  std::string name;
  std::vector<Text> permits;  // other roles, `operation`, or `api.operation`
  Position at;
};

struct Limit {
  std::string name;
  std::vector<Text>
      key;  // client.address, identity.subject, identity.key, identity.claims.NAME, operation
  Rate rate;
  std::uint64_t burst = 0;  // the rate's number unless said
  Position at;
};

enum class ForwardAuthorization : std::uint8_t { kRemove, kKeep };
// What the upstream is shown of a client's certificate (RFC 9440).
enum class ForwardCertificate : std::uint8_t { kNone, kLeaf, kChain };

struct Forward {
  ForwardAuthorization authorization = ForwardAuthorization::kRemove;
  ForwardCertificate client_certificate = ForwardCertificate::kNone;
  Position client_certificate_at;
  // field name (lower case) -> `subject`, `authenticator`, `issuer`, `roles`, `scopes`, `key` or
  // `claims.NAME`
  std::vector<std::pair<std::string, Text>> identity;
};

enum class Coding : std::uint8_t { kBrotli, kGzip, kZstd };

// What becomes of a request body with a Content-Encoding.
enum class CodedBody : std::uint8_t { kPass, kRefuse, kDecode };

struct Decompress {
  CodedBody body = CodedBody::kDecode;
  std::uint64_t size = 10ULL << 20U;  // bytes of the decoded body
  std::uint32_t ratio = 20;           // decoded bytes for each coded one
};

// What an operation may say for itself; what it leaves out is its API's.
struct OperationSettings {
  std::optional<std::vector<Text>> authenticate;  // names; empty list: `none`
  std::vector<Text> limits;                       // added to the API's
  std::optional<std::uint64_t> body_size;
  std::optional<milliseconds> timeout;
  std::optional<std::uint32_t> retries;
  std::optional<std::vector<Text>> upgrade;  // protocols, lower case; empty: none
  ShapingSettings shaping;
  std::optional<std::vector<Coding>> compression;  // in order of preference; empty: `none`
  std::optional<Decompress> decompress;
  std::optional<std::uint32_t> concurrency;  // requests under way, of the API or of the operation
  std::optional<Priority> priority;
};

struct Route {
  std::string path;  // a template below base_path: `/orders/{id}`
  std::vector<std::string> methods;
  std::string operation;
  OperationSettings settings;      // merged with `operations:` of the API
  std::optional<Respond> respond;  // one of these at most
  std::optional<Redirect> redirect;
  Position at;
};

struct Api {
  std::string name;
  std::vector<Text> listeners;
  std::vector<Text> hosts;     // exact or `*.example.com`; empty: every host
  std::string base_path;       // `` or `/v1`; no slash at its end
  Text upstream;               // empty where every route answers itself
  OperationSettings settings;  // `authenticate` is required here, or by every route
  Forward forward;
  ApiShaping shaping;
  std::vector<Route> routes;
  Position at;
};

enum class Balance : std::uint8_t { kRoundRobin, kLeastRequests };

// Whether a target is well, asked again and again.
struct Health {
  std::string path;  // origin-form
  milliseconds every{5'000};
  milliseconds timeout{2'000};
  std::uint32_t unhealthy_after = 3;    // failures in a row
  std::uint32_t healthy_after = 2;      // successes in a row
  std::optional<std::uint32_t> status;  // the only good one; else any 2xx
};

// When a target that fails in use is left alone, and for how long.
struct Eject {
  std::uint32_t consecutive_errors = 5;
  milliseconds rest{30'000};  // `for`
};

enum class ProxyProtocol : std::uint8_t { kNone, kV1, kV2 };
enum class UpstreamProtocol : std::uint8_t { kHttp11, kHttp2 };

// TLS to the targets; they are verified always.
struct UpstreamTls {
  Text ca;  // PEM: whose certificates are good; empty: those of the system's authorities
  std::string server_name;  // what the certificates must be for; empty: each target's own name
  Text cert;                // PEM, shown when a target asks; empty: none
  Text key;
};

struct Upstream {
  std::string name;
  std::vector<Text> targets;  // `host:port`, `address:port` or `unix:/path`
  Balance balance = Balance::kRoundRobin;
  std::uint32_t maximum_connections = 256;   // of each worker, to each target
  std::optional<std::uint32_t> concurrency;  // requests under way, of all workers
  milliseconds connect_timeout{2'000};
  milliseconds idle_timeout{60'000};  // a pooled connection is closed after this
  UpstreamProtocol protocol = UpstreamProtocol::kHttp11;
  ProxyProtocol proxy_protocol = ProxyProtocol::kNone;  // tells the targets whose connection it is
  std::vector<Cidr> allow_addresses;  // what names may resolve to; empty: any but special ones
  std::optional<Health> health;
  std::optional<Eject> eject;
  std::optional<UpstreamTls> tls;
  Position at;
};

// Tunnels, event streams, and whatever else has no end of its own.
struct Streams {
  milliseconds maximum_age{86'400'000};
  milliseconds idle_timeout{3'600'000};  // without a byte either way
};

struct AccessLog {
  bool enabled = true;
  std::string to = "stdout";  // `stdout`, `stderr`, or a file (created 0640, reopened on SIGUSR1)
};

inline constexpr milliseconds kDefaultTimeout{30'000};
inline constexpr std::uint64_t kDefaultBodySize = 1ULL << 20U;
inline constexpr std::uint32_t kDefaultRetries = 1;

// Of all listeners together.
struct Connections {
  std::uint32_t maximum = 0;  // 0: as many as half of the files that the process may open
  Position maximum_at;
};

struct Config {
  std::uint32_t workers = 0;  // 0: one a core
  milliseconds drain_timeout{30'000};
  Streams streams;
  Connections connections;
  Memory memory;
  Overload overload;
  Bans bans;
  std::vector<Listener> listeners;
  std::vector<Cidr> trusted_proxies;
  std::vector<IpEndpoint> resolver;  // DNS servers; empty: those of /etc/resolv.conf
  std::optional<Admin> admin;
  std::vector<Authenticator> authenticators;
  std::vector<Role> roles;
  std::vector<Limit> limits;
  std::vector<Api> apis;
  std::vector<Upstream> upstreams;
  AccessLog access_log;
  // Every file that this was read from or that it names (includes, secrets, certificates, keys, key
  // sets), as opened: what to watch for a reload.
  std::vector<std::string> files;
};

}  // namespace portcullis::config
