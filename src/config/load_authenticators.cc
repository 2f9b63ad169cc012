// `authenticators`, `roles` and `limits`: who callers are, what they may do, and how much.
#include "base/ascii.h"
#include "base/encoding.h"
#include "config/contains.h"
#include "config/load_parts.h"
#include "config/nearest.h"
#include "config/scalars.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace portcullis::config {
namespace {

void read_claim_path(Scope& scope, std::string_view name, std::string& out) {
  if (scope.string(name, out) && !is_claim_path(out))
    scope.error(
        name,
        "expected a dotted path into the claims such as `realm_access.roles`; found " + quote(out));
}

void read_jwt_source(Scope& scope, JwtKeys& keys) {
  const bool url = scope.string("url", keys.url);
  scope.file("file", keys.file);
  scope.duration("refresh", keys.refresh);
  scope.duration("stale_for", keys.stale_for);
  if (scope.has("url") && scope.has("file"))
    scope.error("file", "`url` is there too: remove one of them");
  else if (!scope.has("url") && !scope.has("file"))
    scope.context().diagnostics.error(scope.at(), scope.key(), "expected `url` or `file`");
  if (scope.has("file"))
    for (const std::string_view name : {"refresh", "stale_for"})
      if (scope.has(name)) scope.error(name, "has no meaning for a file of keys: remove it");
  if (!url) return;
  if (const std::string problem = key_url_problem(keys.url); !problem.empty())
    scope.error("url", problem);
}

void read_jwt(Scope& scope, Jwt& jwt) {
  scope.string("issuer", jwt.issuer);
  scope.strings("audience", jwt.audience);
  scope.mapping("keys", [&](Scope& keys) { read_jwt_source(keys, jwt.keys); });
  scope.strings("algorithms", jwt.algorithms);
  read_claim_path(scope, "roles", jwt.roles);
  read_claim_path(scope, "scopes", jwt.scopes);
  scope.named_strings("claims", [&](const Text& name, const Text& path) {
    const std::string key = scope.key("claims") + "." + name.value;
    if (!is_name(name.value))
      scope.context().diagnostics.error(
          name.at, key, "a name is letters, digits, `_` and `-`; found " + quote(name.value));
    else if (!is_claim_path(path.value))
      scope.context().diagnostics.error(
          path.at, key, "expected a dotted path into the claims; found " + quote(path.value));
    jwt.claims.emplace(name.value, path.value);
  });
  scope.duration("leeway", jwt.leeway);
  scope.duration("maximum_age", jwt.maximum_age);
}

void read_hash(Scope& scope, std::string& out) {
  std::string text;
  if (!scope.string("hash", text)) return;
  constexpr std::string_view kPrefix = "sha256:";
  if (text.starts_with(kPrefix)) {
    auto bytes = decode_hex(std::string_view(text).substr(kPrefix.size()));
    if (bytes && bytes->size() == 32) {
      out = *std::move(bytes);
      return;
    }
  }
  // The text is not shown: somebody may have put the key itself here.
  scope.error("hash",
              "expected `sha256:` and 64 hexadecimal digits, as `portcullis hash key` prints");
}

// RFC 6749 3.3: what a scope may be made of.
bool is_scope(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '\\' && c != ','; });
}

void read_key_scopes(Scope& scope, std::vector<std::string>& out) {
  std::vector<Text> scopes;
  scope.strings("scopes", scopes);
  for (const Text& one : scopes) {
    if (!is_scope(one.value))
      scope.context().diagnostics.error(
          one.at, scope.key("scopes"),
          "a scope has no spaces, commas, quotes or backslashes; found " + quote(one.value));
    out.push_back(one.value);
  }
}

void read_roles_of(Scope& scope, std::vector<std::string>& out) {
  std::vector<Text> roles;
  scope.strings("roles", roles);
  for (std::size_t i = 0; i < roles.size(); ++i) {
    if (!scope.context().policies)
      scope.context().references.push_back(
          {ReferenceKind::kRole, roles[i], fmt::format("{}[{}]", scope.key("roles"), i)});
    out.push_back(roles[i].value);
  }
}

void read_api_key(Scope& scope, ApiKey& key) {
  key.at = scope.at();
  if (scope.string("id", key.id) && !is_name(key.id))
    scope.error("id", "an id is letters, digits, `_` and `-`, at most 64; found " + quote(key.id));
  read_hash(scope, key.sha256);
  read_roles_of(scope, key.roles);
  read_key_scopes(scope, key.scopes);
  scope.cidrs("addresses", key.addresses);
  std::chrono::sys_seconds expires;
  if (scope.day_end("expires", expires)) key.expires = expires;
}

void read_mutual_tls(Scope& scope, MutualTls& certificates) {
  scope.choice("subject", certificates.subject);
  read_roles_of(scope, certificates.roles);
}

void read_header(Scope& scope, std::string& header) {
  Text text{header, {}};
  if (!scope.string("header", text)) return;
  if (!is_field_name(text.value)) {
    scope.error("header", "expected the name of a field; found " + quote(text.value));
    return;
  }
  text.value = in_lower_case(text.value);
  if (const std::string reason = reserved_field(as_cgi_reads(text.value)); !reason.empty())
    scope.error("header", quote(text.value) + " " + reason);
  else if (text.value == "authorization" || text.value == "cookie")
    scope.error("header",
                quote(text.value) + " carries other credentials: " +
                    (text.value == "cookie" ? "say `cookie: NAME` instead"
                                            : "name a field of its own such as `x-api-key`"));
  header = text.value;
}

void read_cookie(Scope& scope, std::string& cookie) {
  if (!scope.string("cookie", cookie) || is_field_name(cookie)) return;
  scope.error("cookie", "expected the name of a cookie; found " + quote(cookie));
}

void read_parameter(Scope& scope, std::string& parameter) {
  if (!scope.string("query", parameter)) return;
  if (!is_name(parameter)) {
    scope.error("query", "expected the name of a parameter: letters, digits, `_` and `-`; found " +
                             quote(parameter));
    return;
  }
  scope.context().diagnostics.warning(
      scope.place_of("query"), scope.key("query"),
      "keys in the query end up in the logs and histories of everything that sees the address "
      "(never in ours): prefer `header` wherever the caller can send a field");
}

void read_api_keys(Scope& scope, ApiKeys& keys) {
  read_header(scope, keys.header);
  read_cookie(scope, keys.cookie);
  read_parameter(scope, keys.query);
  if (!scope.has("header") && (scope.has("cookie") || scope.has("query"))) keys.header.clear();
  std::map<std::string, Position> ids;
  std::map<std::string, Position> hashes;
  scope.list("keys", [&](Scope& item) {
    ApiKey& key = keys.keys.emplace_back();
    read_api_key(item, key);
    const auto unique = [&](std::map<std::string, Position>& seen, const std::string& value,
                            std::string_view name, const std::string& what) {
      const Position here = item.place_of(name);
      if (value.empty()) return;
      if (const auto [earlier, fresh] = seen.emplace(value, here); !fresh)
        item.error(name, what + item.context().place(here, earlier->second) +
                             ": make a key of its own with `portcullis hash key`");
    };
    unique(ids, key.id, "id", "another key has the id " + quote(key.id) + ", at ");
    unique(hashes, key.sha256, "hash", "another key has this hash, at ");
  });
}

bool is_limit_part(std::string_view part) {
  constexpr std::array<std::string_view, 4> kParts = {"client.address", "identity.subject",
                                                      "identity.key", "operation"};
  constexpr std::string_view kClaims = "identity.claims.";
  return contains(kParts, part) ||
         (part.starts_with(kClaims) && is_name(part.substr(kClaims.size())));
}

void read_limit(Scope& scope, Limit& limit) {
  scope.strings("key", limit.key);
  const std::vector<std::string_view> parts = {"client.address", "identity.subject", "identity.key",
                                               "identity.claims.NAME", "operation"};
  for (const Text& part : limit.key)
    if (!is_limit_part(part.value))
      scope.context().diagnostics.error(part.at, scope.key("key"),
                                        "expected " + one_of(parts) + "; found " +
                                            quote(part.value) + did_you_mean(part.value, parts));
  scope.rate("rate", limit.rate);
  limit.burst = limit.rate.count;
  scope.integer("burst", limit.burst);
}

}  // namespace

bool needs_identity(std::string_view part) { return part.starts_with("identity."); }

void read_authenticators(Scope& root, Config& config) {
  root.named("authenticators", [&](const std::string& name, Scope& scope) {
    Authenticator& authenticator = config.authenticators.emplace_back();
    authenticator.name = name;
    authenticator.at = scope.at();
    Diagnostics& diagnostics = root.context().diagnostics;
    if (name == "none")
      diagnostics.error(scope.at(), scope.key(),
                        "`none` is what `authenticate` says of no one: choose another name");
    scope.mapping("jwt", [&](Scope& jwt) { read_jwt(jwt, authenticator.jwt.emplace()); });
    scope.mapping("api_key",
                  [&](Scope& keys) { read_api_keys(keys, authenticator.api_key.emplace()); });
    scope.mapping("mutual_tls", [&](Scope& certificates) {
      read_mutual_tls(certificates, authenticator.mutual_tls.emplace());
    });
    int kinds = 0;
    for (const std::string_view kind :
         {"jwt", "api_key", "mutual_tls", "identity", "openid_connect"})
      kinds += scope.has(kind) ? 1 : 0;
    if (kinds == 0)
      diagnostics.error(scope.at(), scope.key(), "expected `jwt`, `api_key` or `mutual_tls`");
    else if (kinds > 1)
      diagnostics.error(scope.at(), scope.key(),
                        "an authenticator is of one kind: give each kind its own name");
  });
}

void read_roles(Scope& root, Config& config) {
  root.named_lists("roles", [&](const Text& name, std::vector<Text> permits) {
    Role& role = config.roles.emplace_back();
    role.name = name.value;
    role.at = name.at;
    role.permits = std::move(permits);
  });
}

void read_limits(Scope& root, Config& config) {
  root.named("limits", [&](const std::string& name, Scope& scope) {
    Limit& limit = config.limits.emplace_back();
    limit.name = name;
    limit.at = scope.at();
    read_limit(scope, limit);
  });
}

}  // namespace portcullis::config
