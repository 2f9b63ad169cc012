#include "authn/authentication.h"

#include "authn/bearer.h"
#include "config/contains.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace portcullis::authn {
namespace {

std::unexpected<Error> invalid(std::string detail, const std::string& rule) {
  return refuse(ErrorCode::kCredentialsInvalid, std::move(detail), rule);
}

std::unexpected<Error> keys_unavailable(const std::string& rule) {
  return fail(ErrorCode::kUnavailable, "the issuer's keys are not known", ErrorSource::kUpstream,
              rule);
}

// RFC 9110 5.6.4
std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
  return out;
}

IdentityRef identity_of(const Authenticator& authenticator, jose::VerifiedToken&& token,
                        const RoleTable& roles) {
  Identity identity;
  identity.kind = token.of_client ? Identity::Kind::kService : Identity::Kind::kUser;
  identity.authenticator = authenticator.name;
  identity.subject = authenticator.name + "|" + token.subject;
  identity.issuer = std::move(token.issuer);
  identity.role_ids = roles.find_all(token.roles);
  identity.roles = std::move(token.roles);
  identity.scopes = std::move(token.scopes);
  identity.claims = std::move(token.claims);
  identity.expires = token.expires;
  return IdentityRef(std::move(identity));
}

IdentityRef identity_of(const Authenticator& authenticator, const ApiKeyTable::Entry& key,
                        const RoleTable& roles) {
  Identity identity;
  identity.kind = Identity::Kind::kKey;
  identity.authenticator = authenticator.name;
  identity.subject = authenticator.name + "|" + key.id;
  identity.key = key.id;
  identity.roles = key.roles;
  identity.scopes = key.scopes;
  identity.role_ids = roles.find_all(key.roles);
  identity.expires = key.expires;
  return IdentityRef(std::move(identity));
}

const char* challenge_name(KeyPlace::Kind kind) {
  switch (kind) {
    case KeyPlace::Kind::kField:
      return "header";
    case KeyPlace::Kind::kCookie:
      return "cookie";
    case KeyPlace::Kind::kParameter:
      return "query";
  }
  return "";
}

// What a browser must not be made to do by another site. A WebSocket opens with a GET.
bool changes_something(const http::Request& request) {
  return !http::is_safe(request.method) || request.fields.find(http::FieldId::kUpgrade) != nullptr;
}

IdentityRef identity_of(const Authenticator& authenticator, std::string_view name, WallTime expires,
                        const RoleTable& roles) {
  Identity identity;
  identity.kind = Identity::Kind::kCertificate;
  identity.authenticator = authenticator.name;
  identity.subject = authenticator.name + "|" + std::string(name);
  identity.roles = authenticator.mutual_tls()->roles;
  identity.role_ids = roles.find_all(identity.roles);
  identity.expires = expires;
  return IdentityRef(std::move(identity));
}

// An identity is made once for each certificate, and kept with those of tokens: by the fingerprint,
// and by when it ends, since the same certificate lasts longer under a newer revocation list.
using CertificateKey = std::array<char, sizeof(crypto::Sha256) + sizeof(WallTime::rep)>;
CertificateKey key_of(const runtime::ClientCertificate& certificate) {
  const crypto::Sha256& print = certificate.facts().fingerprint;
  const WallTime::rep ends = certificate.ends().time_since_epoch().count();
  CertificateKey key;
  std::memcpy(key.data(), print.data(), print.size());
  std::memcpy(key.data() + print.size(), &ends, sizeof ends);
  return key;
}

}  // namespace

// What a request presents; borrows from its fields and its connection. One of them, or none.
struct Door::Credentials {
  const http::Field* authorization = nullptr;
  std::optional<PresentedKey> key;
  const runtime::ClientCertificate* certificate = nullptr;
};

struct Door::Decision {
  Result<IdentityRef> outcome;
  std::shared_ptr<KeySource> fetch;  // set: the outcome may be another once these were fetched
};

Door Door::compile(std::shared_ptr<const Authenticators> authenticators,
                   const std::vector<config::Text>& names, std::string_view realm,
                   config::Diagnostics& diagnostics, std::string_view key) {
  Door door;
  door.open_ = names.empty();
  for (const config::Text& name : names) {
    const Authenticator* const authenticator = authenticators->find(name.value);
    if (authenticator == nullptr) {
      diagnostics.error(name.at, std::string(key), "no authenticator `" + name.value + "`");
      continue;
    }
    door.accepted_.push_back(authenticator);
    if (const ApiKeyAuthenticator* const keys = authenticator->api_key()) {
      for (const KeyPlace& place : keys->places) door.key_places_.add(place);
      continue;
    }
    if (authenticator->mutual_tls() != nullptr) {
      if (door.by_certificate_ != nullptr && door.by_certificate_ != authenticator)
        diagnostics.error(name.at, std::string(key),
                          "`" + name.value + "` and `" + door.by_certificate_->name +
                              "` both take client certificates: one could be meant for either");
      door.by_certificate_ = authenticator;
      continue;
    }
    const std::string& issuer = authenticator->jwt()->rules.issuer;
    for (const Authenticator* const other : door.issuers_) {
      if (other->jwt()->rules.issuer != issuer) continue;
      diagnostics.error(name.at, std::string(key),
                        "`" + name.value + "` and `" + other->name +
                            "` have the same issuer: a token could be meant for either");
    }
    door.issuers_.push_back(authenticator);
  }
  door.takes_cookies_ = door.key_places_.has(KeyPlace::Kind::kCookie);
  door.authenticators_ = std::move(authenticators);
  door.add_challenges(realm);
  return door;
}

void Door::add_challenges(std::string_view realm) {
  const std::string quoted_realm = "realm=" + quote(realm);
  if (!issuers_.empty()) {
    const std::string bearer = "Bearer " + quoted_realm;
    // RFC 6750 3.1: no error code when no credentials were presented.
    for_missing_.push_back(bearer);
    for_invalid_token_.push_back(
        bearer + R"(, error="invalid_token", error_description="the token is not valid here")");
    for_ambiguous_.push_back(
        bearer +
        R"(, error="invalid_request", error_description="more than one credential was presented")");
  }
  std::vector<std::string> ours;
  for (const KeyPlace& place : key_places_.all())
    ours.push_back("ApiKey " + quoted_realm + ", " + challenge_name(place.kind) + "=" +
                   quote(place.name));
  // No scheme is registered for certificates, and a 401 must have a challenge (RFC 9110 15.5.2).
  if (by_certificate_ != nullptr) ours.push_back("ClientCertificate " + quoted_realm);
  for (auto* const list : {&for_missing_, &for_invalid_token_, &for_ambiguous_})
    list->insert(list->end(), ours.begin(), ours.end());
}

std::span<const std::string> Door::challenges(const Error& error) const {
  if (error.code == ErrorCode::kCredentialsMissing) return for_missing_;
  if (error.code == ErrorCode::kAmbiguousCredentials) return for_ambiguous_;
  if (error.code != ErrorCode::kCredentialsInvalid) return {};
  // An API key or a certificate was refused: nothing is wrong with a token.
  const bool no_token = std::ranges::any_of(accepted_, [&](const Authenticator* each) {
    return each->jwt() == nullptr && each->rule == error.rule;
  });
  return no_token ? for_missing_ : for_invalid_token_;
}

Result<Door::Credentials> Door::find_credentials(const Caller& caller) const {
  const http::Request& request = caller.request;
  Credentials found;
  if (takes_certificates()) found.certificate = caller.certificate;
  if (!issuers_.empty()) {
    found.authorization = request.fields.find(http::FieldId::kAuthorization);
    if (found.authorization != nullptr && request.fields.count(http::FieldId::kAuthorization) > 1)
      return refuse(ErrorCode::kAmbiguousCredentials, "Authorization is repeated");
  }
  PC_TRY(found.key, key_places_.find(request));
  if (found.authorization != nullptr && found.key)
    return refuse(ErrorCode::kAmbiguousCredentials, "Authorization and an API key");
  if (found.certificate != nullptr && (found.authorization != nullptr || found.key)) {
    return refuse(ErrorCode::kAmbiguousCredentials, found.key
                                                        ? "a client certificate and an API key"
                                                        : "a client certificate and Authorization");
  }
  return found;
}

Door::Decision Door::decide(const Caller& caller, WorkerState& worker, WallTime wall_now,
                            TimePoint now) const {
  if (open_) return {worker.anonymous(), nullptr};
  const Result<Credentials> credentials = find_credentials(caller);
  if (!credentials) return {std::unexpected(credentials.error()), nullptr};
  if (const std::optional<PresentedKey>& key = credentials->key)
    return {decide_key(*key, caller, worker, wall_now), nullptr};
  if (credentials->authorization != nullptr) {
    const auto token = bearer_token(credentials->authorization->value);
    if (token) return decide_token(*token, worker, wall_now, now);
    // RFC 6750 3.1: another scheme is as if there were no credentials.
  }
  if (credentials->certificate != nullptr) {
    return {decide_certificate(*credentials->certificate, worker, wall_now), nullptr};
  }
  return {refuse(ErrorCode::kCredentialsMissing, "no credentials"), nullptr};
}

Door::Decision Door::decide_token(std::string_view token, WorkerState& worker, WallTime wall_now,
                                  TimePoint now) const {
  const std::uint64_t generation = authenticators_->generation();
  for (const Authenticator* const issuer : issuers_) {
    TokenCache::Entry* const entry = worker.tokens().find({issuer->index, generation}, token);
    if (entry == nullptr) continue;
    const KeySource& source = *issuer->jwt()->keys;
    if (source.state(now) == KeyState::kUnavailable) break;
    WorkerState::Slot& slot = worker.slot(generation, issuer->index);
    slot.update_keys(source);
    if (entry->key_revision != slot.key_revision) {
      // The key that signed it may have been withdrawn meanwhile.
      if (!slot.keys->contains(entry->key)) {
        worker.tokens().erase(entry);
        break;
      }
      entry->key_revision = slot.key_revision;
    }
    if (wall_now >= entry->identity->expires) {
      worker.tokens().erase(entry);
      return {invalid("the token has expired", issuer->rule), nullptr};
    }
    ++worker.cache_hits;
    return {entry->identity, nullptr};
  }
  ++worker.cache_misses;
  if (!is_token68(token)) return {invalid("the bearer token is malformed", ""), nullptr};
  // Not believed yet: it only says whose keys to ask.
  Result<jose::UnverifiedToken> unverified = jose::parse_token(token);
  if (!unverified) return {std::unexpected(std::move(unverified).error()), nullptr};
  for (const Authenticator* const issuer : issuers_) {
    if (issuer->jwt()->rules.issuer == unverified->issuer()) {
      return verify(*issuer, token, *unverified, worker, wall_now, now);
    }
  }
  return {invalid("the token is of no issuer that is accepted here", ""), nullptr};
}

Door::Decision Door::verify(const Authenticator& issuer, std::string_view text,
                            const jose::UnverifiedToken& token, WorkerState& worker,
                            WallTime wall_now, TimePoint now) const {
  const JwtAuthenticator& jwt = *issuer.jwt();
  const auto after_fetch = [&](Error error) -> Decision {
    const bool helps = jwt.keys->fetch_could_help(now);
    return {std::unexpected(std::move(error)), helps ? jwt.keys : nullptr};
  };
  WorkerState::Slot& slot = worker.slot(authenticators_->generation(), issuer.index);
  slot.update_keys(*jwt.keys);
  if (jwt.keys->state(now) == KeyState::kUnavailable || slot.keys == nullptr) {
    return after_fetch(keys_unavailable(issuer.rule).error());
  }
  const jose::SignatureCheck check =
      jose::check_signature(token.jws, *slot.keys, jwt.rules.algorithms);
  if (check.verdict != jose::SignatureVerdict::kValid) {
    Error error = jose::signature_error(check.verdict);
    error.rule = issuer.rule;
    if (check.verdict == jose::SignatureVerdict::kNoKey) return after_fetch(std::move(error));
    return {std::unexpected(std::move(error)), nullptr};
  }
  Result<IdentityRef> identity = identify(issuer, token, wall_now);
  if (identity) {
    worker.tokens().insert({issuer.index, authenticators_->generation()}, text, *identity,
                           check.key->thumbprint, slot.key_revision, wall_now);
  }
  return {std::move(identity), nullptr};
}

// What stands in the claims, whoever wrote them.
Result<IdentityRef> Door::identify(const Authenticator& issuer, const jose::UnverifiedToken& token,
                                   WallTime wall_now) const {
  Result<jose::VerifiedToken> verified = jose::check_claims(token, issuer.jwt()->rules, wall_now);
  if (!verified) {
    verified.error().rule = issuer.rule;
    return std::unexpected(std::move(verified).error());
  }
  return identity_of(issuer, *std::move(verified), authenticators_->roles());
}

Result<IdentityRef> Door::presume(const http::Fields& fields, WallTime wall_now) const {
  const http::Field* const authorization = fields.find(http::FieldId::kAuthorization);
  const auto text = authorization != nullptr ? bearer_token(authorization->value) : std::nullopt;
  if (!text) return invalid("no token", "");
  PC_TRY(const jose::UnverifiedToken token, jose::parse_token(*text));
  for (const Authenticator* const issuer : issuers_) {
    const jose::JwtRules& rules = issuer->jwt()->rules;
    if (rules.issuer != token.issuer()) continue;
    if (!rules.algorithms.contains(token.jws.algorithm)) {
      Error error = jose::signature_error(jose::SignatureVerdict::kNotAllowed);
      error.rule = issuer->rule;
      return std::unexpected(std::move(error));
    }
    return identify(*issuer, token, wall_now);
  }
  return invalid("the token is of no issuer that is accepted here", "");
}

Result<IdentityRef> Door::decide_key(const PresentedKey& presented, const Caller& caller,
                                     WorkerState& worker, WallTime wall_now) const {
  const Authenticator* refused = nullptr;
  for (const Authenticator* const each : accepted_) {
    const ApiKeyAuthenticator* const method = each->api_key();
    if (method == nullptr || !config::contains(method->places, *presented.place)) continue;
    refused = each;
    if (presented.place->kind == KeyPlace::Kind::kCookie && changes_something(caller.request)) {
      Result<void> same_origin = check_same_origin(caller.request, caller.scheme);
      if (!same_origin) {
        same_origin.error().rule = each->rule;
        return std::unexpected(std::move(same_origin).error());
      }
    }
    const std::optional<std::size_t> place = method->keys.find(presented.key());
    if (!place) continue;
    const ApiKeyTable::Entry& key = method->keys.entries()[*place];
    if (wall_now >= key.expires)
      return invalid("the API key `" + key.id + "` has expired", each->rule);
    // To whoever stole it, a key elsewhere is like one that does not exist: 401 in the same words,
    // where 403 would say that it is a good one.
    if (!key.may_come_from(caller.address))
      return invalid(
          "the API key `" + key.id + "` may not be used from " + caller.address.to_string(),
          each->rule);
    std::vector<IdentityRef>& known =
        worker.slot(authenticators_->generation(), each->index).api_keys;
    if (known.empty()) known.resize(method->keys.entries().size());
    if (!known[*place]) known[*place] = identity_of(*each, key, authenticators_->roles());
    return known[*place];
  }
  return invalid("no such API key", refused != nullptr ? refused->rule : "");
}

Result<IdentityRef> Door::decide_certificate(const runtime::ClientCertificate& certificate,
                                             WorkerState& worker, WallTime wall_now) const {
  const Authenticator& by = *by_certificate_;
  const WallTime ends = certificate.ends();
  if (!certificate.holds(wall_now) || wall_now >= ends)
    return invalid(certificate.why_refused(wall_now), by.rule);
  const TokenCache::Scope scope{by.index, authenticators_->generation()};
  const CertificateKey key = key_of(certificate);
  const std::string_view text(key.data(), key.size());
  if (const TokenCache::Entry* known = worker.tokens().find(scope, text)) return known->identity;
  const Result<std::string_view> name = name_in(certificate.facts(), by.mutual_tls()->subject);
  if (!name) return invalid(name.error().detail, by.rule);
  IdentityRef identity = identity_of(by, *name, ends, authenticators_->roles());
  worker.tokens().insert(scope, text, identity, crypto::Sha256{}, 0, wall_now);
  return identity;
}

std::optional<Result<IdentityRef>> Door::try_authenticate(const Caller& caller, WorkerState& worker,
                                                          WallTime wall_now, TimePoint now) const {
  Decision decision = decide(caller, worker, wall_now, now);
  if (decision.fetch != nullptr) return std::nullopt;
  return std::move(decision.outcome);
}

Task<Result<IdentityRef>> Door::authenticate(Caller caller, WorkerState& worker,
                                             KeyRefresher& refresher) const {
  const Moment first = refresher.now();
  Decision decision = decide(caller, worker, first.wall, first.steady);
  if (decision.fetch == nullptr) co_return std::move(decision.outcome);
  // Somebody else may have taken the permission since it was looked at.
  if (!decision.fetch->may_fetch_for_unknown_kid(first.steady))
    co_return std::move(decision.outcome);
  co_await refresher.refresh(decision.fetch, first.steady + kKeyWait);
  const Moment second = refresher.now();
  co_return decide(caller, worker, second.wall, second.steady).outcome;
}

}  // namespace portcullis::authn
