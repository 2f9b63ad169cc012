#include "jose/jwt.h"

#include "base/ascii.h"

#include <algorithm>
#include <cmath>

namespace portcullis::jose {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaximumSubjectSize = 255;  // OpenID Connect Core 2

std::unexpected<Error> invalid(std::string detail) {
  return refuse(ErrorCode::kCredentialsInvalid, std::move(detail));
}

// RFC 7519 2, NumericDate: seconds, perhaps with a fraction. Bounded so that no sum of it with a
// leeway can leave what the clock's type can hold (the year 2262).
constexpr double kLatestDate = 9e9;

Result<std::optional<WallTime>> date_claim(json::Value claims, std::string_view name) {
  const std::optional<json::Value> member = claims.find(name);
  if (!member) return std::nullopt;
  const std::optional<double> seconds = member->as_double();
  if (!seconds) return invalid("the token's `" + std::string(name) + "` is not a number");
  if (!(*seconds >= 0 && *seconds <= kLatestDate)) {
    return invalid("the token's `" + std::string(name) + "` is out of range");
  }
  return WallTime(milliseconds(static_cast<std::int64_t>(std::floor(*seconds * 1000))));
}

Result<WallTime> check_dates(json::Value claims, const JwtRules& rules, WallTime now) {
  PC_TRY(const std::optional<WallTime> expires, date_claim(claims, "exp"));
  PC_TRY(const std::optional<WallTime> not_before, date_claim(claims, "nbf"));
  PC_TRY(const std::optional<WallTime> issued, date_claim(claims, "iat"));
  if (!expires) return invalid("the token never expires: `exp` is missing");
  // "on or after which the JWT MUST NOT be accepted" (RFC 7519 4.1.4)
  if (now >= *expires + rules.leeway) return invalid("the token has expired");
  if (*expires > now + rules.maximum_age + rules.leeway) {
    return invalid("the token's `exp` is further ahead than `maximum_age`");
  }
  if (not_before && *not_before > now + rules.leeway) return invalid("the token is not yet valid");
  if (issued && *issued > now + rules.leeway) return invalid("the token was issued in the future");
  return *expires + rules.leeway;
}

// RFC 7519 5.1: `typ` is a media type, whose `application/` may be left out. RFC 8725 3.11 and RFC
// 9068 2.1: tokens of another purpose say so here, and must not pass as access tokens.
Result<void> check_type(std::string_view type) {
  if (type.empty()) return {};
  const std::string lower = in_lower_case(type);
  constexpr std::string_view kApplication = "application/";
  std::string_view name = lower;
  if (name.starts_with(kApplication)) name.remove_prefix(kApplication.size());
  if (name != "jwt" && name != "at+jwt")
    return invalid("the token's `typ` is not an access token's");
  return {};
}

Result<void> check_audience(json::Value claims, const JwtRules& rules) {
  const std::optional<json::Value> audience = claims.find("aud");
  if (!audience) return invalid("the token has no audience");
  const auto wanted = [&rules](std::string_view name) {
    return std::ranges::find(rules.audiences, name) != rules.audiences.end();
  };
  bool found = false;
  if (const auto one = audience->as_string()) {
    found = wanted(*one);
  } else if (audience->is_array()) {
    for (const json::Value element : audience->elements()) {
      const auto name = element.as_string();
      if (!name) return invalid("the token's `aud` is neither a string nor an array of strings");
      found = found || wanted(*name);
    }
  } else {
    return invalid("the token's `aud` is neither a string nor an array of strings");
  }
  if (!found) return invalid("the token is for another audience");
  return {};
}

Result<std::string> check_subject(json::Value claims) {
  const std::optional<json::Value> member = claims.find("sub");
  const std::optional<std::string_view> subject = member ? member->as_string() : std::nullopt;
  if (!subject) return invalid("the token's `sub` is missing or not a string");
  if (subject->empty()) return invalid("the token's `sub` is empty");
  if (subject->size() > kMaximumSubjectSize) return invalid("the token's `sub` is too long");
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::ranges::any_of(*subject, control)) {
    return invalid("the token's `sub` has a control character");
  }
  return std::string(*subject);
}

// RFC 9068 2.2: where no resource owner is involved, `sub` is the client. `client_id` says which
// one that is (`azp` at issuers that do not follow it); `gty` is how one of them names the grant.
// Without any of these nothing is concluded: the subject is then taken for a person.
bool is_of_client(json::Value claims, std::string_view subject) {
  const auto text = [&](std::string_view name) {
    const std::optional<json::Value> member = claims.find(name);
    return member ? member->as_string() : std::nullopt;
  };
  if (const auto client = text("client_id")) return *client == subject;
  if (text("gty") == "client-credentials") return true;
  return text("azp") == subject;
}

}  // namespace

std::string_view UnverifiedToken::issuer() const {
  const std::optional<json::Value> member = claims.root().find("iss");
  return member ? member->as_string().value_or(std::string_view()) : std::string_view();
}

Result<UnverifiedToken> parse_token(std::string_view text) {
  PC_TRY(Jws jws, parse_jws(text));
  Result<json::Document> claims =
      json::Document::parse(jws.payload, {.size = kMaximumTokenSize, .depth = 16});
  if (!claims) return invalid("the token's claims: " + claims.error().detail);
  if (!claims->root().is_object()) return invalid("the token's claims are not an object");
  return UnverifiedToken{std::move(jws), *std::move(claims)};
}

Result<VerifiedToken> check_claims(const UnverifiedToken& token, const JwtRules& rules,
                                   WallTime now) {
  const json::Value claims = token.claims.root();
  PC_CHECK_OK(check_type(token.jws.type));
  if (rules.issuer.empty() || token.issuer() != rules.issuer) {
    return invalid("the token is of another issuer");
  }
  PC_CHECK_OK(check_audience(claims, rules));
  VerifiedToken verified;
  PC_TRY(verified.expires, check_dates(claims, rules, now));
  PC_TRY(verified.subject, check_subject(claims));
  verified.of_client = is_of_client(claims, verified.subject);
  verified.issuer = rules.issuer;
  if (const auto roles = rules.roles.find(claims)) {
    PC_TRY(verified.roles, string_list(*roles, Split::kNever, "roles"));
  }
  if (const auto scopes = rules.scopes.find(claims)) {
    PC_TRY(verified.scopes, string_list(*scopes, Split::kAtSpaces, "scopes"));
  }
  for (const auto& [name, path] : rules.claims) {
    if (const auto value = path.find(claims))
      verified.claims.emplace_back(name, claim_text(*value));
  }
  return verified;
}

Error signature_error(SignatureVerdict verdict) {
  const auto error = [](const char* detail) {
    return Error{ErrorCode::kCredentialsInvalid, ErrorSource::kClient, detail, {}};
  };
  switch (verdict) {
    case SignatureVerdict::kNotAllowed:
      return error("the token's algorithm is not allowed here");
    case SignatureVerdict::kNoKey:
      return error("no key of the issuer is the one that signed the token");
    case SignatureVerdict::kInvalid:
      return error("the token's signature is not valid");
    case SignatureVerdict::kValid:
      break;
  }
  return error("the token's signature was not checked");
}

Result<VerifiedToken> verify_token(std::string_view text, const KeySet& keys, const JwtRules& rules,
                                   WallTime now) {
  PC_TRY(const UnverifiedToken token, parse_token(text));
  const SignatureCheck check = check_signature(token.jws, keys, rules.algorithms);
  if (check.verdict != SignatureVerdict::kValid) {
    return std::unexpected(signature_error(check.verdict));
  }
  PC_TRY(VerifiedToken verified, check_claims(token, rules, now));
  verified.key = check.key->thumbprint;
  return verified;
}

}  // namespace portcullis::jose
