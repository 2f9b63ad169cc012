#include "jose/jwk.h"

#include "base/encoding.h"
#include "json/value.h"
#include "json/writer.h"

#include <algorithm>
#include <array>

namespace portcullis::jose {
namespace {

using crypto::KeyKind;
using crypto::PublicKey;

std::unexpected<Error> unusable(std::string detail) {
  return refuse(ErrorCode::kMalformedRequest, std::move(detail));
}

Result<std::string_view> text_member(json::Value jwk, std::string_view name) {
  const std::optional<json::Value> member = jwk.find(name);
  if (!member) return unusable("`" + std::string(name) + "` is missing");
  const std::optional<std::string_view> text = member->as_string();
  if (!text) return unusable("`" + std::string(name) + "` is not a string");
  return *text;
}

Result<std::string> bytes_member(json::Value jwk, std::string_view name) {
  PC_TRY(const std::string_view text, text_member(jwk, name));
  Result<std::string> bytes = decode_base64url(text);
  if (!bytes) return unusable("`" + std::string(name) + "`: " + bytes.error().detail);
  return bytes;
}

// RFC 7517 4.2 and 4.3: what the key may be used for, when it says so.
Result<void> check_use(json::Value jwk) {
  if (const auto use = jwk.find("use"); use && use->as_string() != "sig") {
    return unusable("`use` is not `sig`");
  }
  const auto operations = jwk.find("key_ops");
  if (!operations) return {};
  if (!operations->is_array()) return unusable("`key_ops` is not an array");
  std::vector<std::string_view> names;
  for (const json::Value operation : operations->elements()) {
    const auto name = operation.as_string();
    if (!name) return unusable("`key_ops` has a member that is not a string");
    names.push_back(*name);
  }
  std::ranges::sort(names);
  if (std::ranges::adjacent_find(names) != names.end()) {
    return unusable("`key_ops` has a repeated value");
  }
  if (!std::ranges::binary_search(names, "verify")) return unusable("`key_ops` has no `verify`");
  return {};
}

Result<void> check_public(json::Value jwk) {
  // RFC 7518 6.2.2, 6.3.2, 6.4.1; RFC 8037 2.
  constexpr std::array<std::string_view, 8> kPrivate = {"d",  "p",  "q",   "dp",
                                                        "dq", "qi", "oth", "k"};
  for (const std::string_view name : kPrivate) {
    if (jwk.find(name)) return unusable("the key comes with its private part");
  }
  return {};
}

Result<KeyKind> ec_curve(std::string_view name) {
  if (name == "P-256") return KeyKind::kP256;
  if (name == "P-384") return KeyKind::kP384;
  if (name == "P-521") return KeyKind::kP521;
  return unusable("`crv` is none of P-256, P-384, P-521");
}

struct Numbers {
  PublicKey key;
  crypto::Sha256 thumbprint;
};

// RFC 7638 3: the required members in the order of their names, without whitespace. The values are
// the ones that were read, since the strict decoder admits one spelling only.
crypto::Sha256 thumbprint_of(json::Value jwk, std::initializer_list<std::string_view> names) {
  std::string text;
  json::Writer writer(text);
  writer.begin_object();
  for (const std::string_view name : names) {
    writer.field(name, text_member(jwk, name).value_or(std::string_view()));
  }
  writer.end_object();
  return crypto::sha256(text);
}

Result<Numbers> parse_numbers(json::Value jwk) {
  PC_TRY(const std::string_view type, text_member(jwk, "kty"));
  if (type == "oct") return unusable("a symmetric key never verifies a token");
  PC_CHECK_OK(check_public(jwk));
  if (type == "RSA") {
    PC_TRY(const std::string n, bytes_member(jwk, "n"));
    PC_TRY(const std::string e, bytes_member(jwk, "e"));
    PC_TRY(PublicKey key, PublicKey::rsa(n, e));
    return Numbers{std::move(key), thumbprint_of(jwk, {"e", "kty", "n"})};
  }
  if (type == "EC") {
    PC_TRY(const std::string_view curve_name, text_member(jwk, "crv"));
    PC_TRY(const KeyKind curve, ec_curve(curve_name));
    PC_TRY(const std::string x, bytes_member(jwk, "x"));
    PC_TRY(const std::string y, bytes_member(jwk, "y"));
    PC_TRY(PublicKey key, PublicKey::ec(curve, x, y));
    return Numbers{std::move(key), thumbprint_of(jwk, {"crv", "kty", "x", "y"})};
  }
  if (type == "OKP") {
    PC_TRY(const std::string_view curve_name, text_member(jwk, "crv"));
    if (curve_name != "Ed25519") return unusable("`crv` is not Ed25519");
    PC_TRY(const std::string x, bytes_member(jwk, "x"));
    PC_TRY(PublicKey key, PublicKey::ed25519(x));
    return Numbers{std::move(key), thumbprint_of(jwk, {"crv", "kty", "x"})};
  }
  return unusable("`kty` is none of RSA, EC, OKP");
}

}  // namespace

Result<Key> parse_jwk(json::Value jwk) {
  if (!jwk.is_object()) return unusable("a key is not an object");
  PC_TRY(Numbers numbers, parse_numbers(jwk));
  PC_CHECK_OK(check_use(jwk));
  Key key{{}, std::nullopt, std::move(numbers.key), numbers.thumbprint};
  if (jwk.find("kid")) {
    PC_TRY(const std::string_view id, text_member(jwk, "kid"));
    if (id.empty() || id.size() > kMaximumKeyIdSize) return unusable("`kid` is empty or too long");
    key.id = id;
  }
  if (jwk.find("alg")) {
    PC_TRY(const std::string_view name, text_member(jwk, "alg"));
    key.algorithm = parse_algorithm(name);
    if (!key.algorithm) return unusable("`alg` is not one that can be used");
    if (!crypto::fits(*key.algorithm, key.key.kind())) {
      return unusable("`alg` does not fit the key's type or curve");
    }
  }
  return key;
}

Result<KeySet> KeySet::parse(std::string_view text) {
  Result<json::Document> document =
      json::Document::parse(text, {.size = kMaximumKeySetSize, .depth = 8});
  if (!document) return unusable("the key set: " + document.error().detail);
  const std::optional<json::Value> keys = document->root().find("keys");
  if (!keys || !keys->is_array()) return unusable("the key set has no array `keys`");
  if (keys->size() > kMaximumKeys) {
    return unusable("the key set has more than " + std::to_string(kMaximumKeys) + " keys");
  }
  KeySet set;
  std::size_t index = 0;
  for (const json::Value jwk : keys->elements()) {
    Result<Key> key = parse_jwk(jwk);
    if (key) {
      set.keys_.push_back(*std::move(key));
    } else {
      set.skipped_.push_back("keys[" + std::to_string(index) + "]: " + key.error().detail);
    }
    ++index;
  }
  if (!set.keys_.empty()) return set;
  std::string why = "the key set has no usable key";
  if (!set.skipped_.empty()) why += " (" + set.skipped_.front() + ")";
  return unusable(std::move(why));
}

bool KeySet::contains(const crypto::Sha256& thumbprint) const {
  return std::ranges::any_of(keys_, [&](const Key& key) { return key.thumbprint == thumbprint; });
}

}  // namespace portcullis::jose
