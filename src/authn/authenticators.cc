#include "authn/authenticators.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>

namespace portcullis::authn {
namespace {

Result<jose::KeySet> read_keys(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return fail(ErrorCode::kBadConfig,
                "cannot open `" + path + "`: " + std::generic_category().message(errno));
  std::string text;
  // One byte more than is allowed, so that too much is seen as such.
  text.resize(jose::kMaximumKeySetSize + 1);
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return fail(ErrorCode::kBadConfig, "cannot read `" + path + "`");
  text.resize(static_cast<std::size_t>(file.gcount()));
  Result<jose::KeySet> keys = jose::KeySet::parse(text);
  if (!keys) return fail(ErrorCode::kBadConfig, "`" + path + "`: " + keys.error().detail);
  return keys;
}

jose::JwtRules rules_of(const config::Jwt& jwt) {
  jose::JwtRules rules;
  rules.issuer = jwt.issuer;
  rules.audiences = jwt.audience;
  rules.leeway = jwt.leeway;
  rules.maximum_age = jwt.maximum_age;
  rules.roles = jwt.roles.empty() ? jose::ClaimPath() : jose::ClaimPath(jwt.roles);
  rules.scopes = jwt.scopes.empty() ? jose::ClaimPath() : jose::ClaimPath(jwt.scopes);
  for (const auto& [name, path] : jwt.claims) rules.claims.emplace_back(name, path);
  return rules;
}

JwtAuthenticator compile_jwt(const config::Authenticator& configured, const config::Jwt& jwt,
                             KeySources& sources, config::Diagnostics& diagnostics) {
  const std::string key = "authenticators." + configured.name + ".jwt";
  JwtAuthenticator compiled{rules_of(jwt), nullptr};
  for (const std::string& name : jwt.algorithms) {
    if (const auto algorithm = jose::parse_algorithm(name)) {
      compiled.rules.algorithms.insert(*algorithm);
    } else {
      diagnostics.error(configured.at, key + ".algorithms", "`" + name + "` is not offered");
    }
  }
  if (!jwt.keys.url.empty()) {
    compiled.keys = sources.find_or_make({jwt.keys.url, jwt.keys.refresh, jwt.keys.stale_for});
    return compiled;
  }
  const std::string file_key = key + ".keys.file";
  const config::Position at = diagnostics.place_of(file_key).value_or(configured.at);
  Result<jose::KeySet> keys = read_keys(jwt.keys.file);
  if (!keys) {
    diagnostics.error(at, file_key, keys.error().detail);
    return compiled;  // without keys: a configuration with errors never runs
  }
  for (const std::string& reason : keys->skipped()) {
    diagnostics.warning(at, file_key, "a key is not used: " + reason);
  }
  compiled.keys = std::make_shared<KeySource>(*std::move(keys));
  return compiled;
}

std::vector<KeyPlace> places_of(const config::ApiKeys& configured) {
  std::vector<KeyPlace> places;
  const auto add = [&](KeyPlace::Kind kind, const std::string& name) {
    if (!name.empty()) places.push_back({kind, name});
  };
  add(KeyPlace::Kind::kField, configured.header);
  add(KeyPlace::Kind::kCookie, configured.cookie);
  add(KeyPlace::Kind::kParameter, configured.query);
  return places;
}

}  // namespace

std::shared_ptr<const Authenticators> Authenticators::compile(
    const std::vector<config::Authenticator>& configured, RoleTable roles, KeySources& sources,
    std::uint64_t generation, config::Diagnostics& diagnostics) {
  std::shared_ptr<Authenticators> compiled(new Authenticators());
  compiled->generation_ = generation;
  compiled->roles_ = std::move(roles);
  for (const config::Authenticator& each : configured) {
    Authenticator authenticator;
    authenticator.index = static_cast<std::uint32_t>(compiled->all_.size());
    authenticator.name = each.name;
    authenticator.rule = "authenticators." + each.name;
    if (each.jwt) {
      authenticator.method = compile_jwt(each, *each.jwt, sources, diagnostics);
    } else if (each.api_key) {
      ApiKeyAuthenticator method{places_of(*each.api_key), ApiKeyTable(each.api_key->keys)};
      for (const KeyPlace& place : method.places) compiled->key_places_.add(place);
      authenticator.method = std::move(method);
    } else if (each.mutual_tls) {
      authenticator.method =
          MutualTlsAuthenticator{each.mutual_tls->subject, each.mutual_tls->roles};
    } else {
      continue;
    }
    compiled->all_.push_back(std::move(authenticator));
  }
  return compiled;
}

const Authenticator* Authenticators::find(std::string_view name) const {
  const auto found = std::ranges::find(all_, name, &Authenticator::name);
  return found == all_.end() ? nullptr : &*found;
}

}  // namespace portcullis::authn
