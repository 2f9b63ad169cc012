// An issuer for tests: makes keys, publishes them as JWKs and signs tokens, hostile ones too.
#pragma once

#include "base/encoding.h"
#include "crypto/keys.h"
#include "jose/algorithm.h"
#include "json/writer.h"

#include <string>
#include <string_view>

namespace portcullis::jose::testing {

// `header`.`payload` signed as it stands, whatever it says.
[[nodiscard]] inline std::string sign_compact(const crypto::PrivateKey& key,
                                              SignatureAlgorithm algorithm, std::string_view header,
                                              std::string_view payload) {
  std::string token = encode_base64url(header) + "." + encode_base64url(payload);
  const std::string signature = key.sign(algorithm, token);
  return token + "." + encode_base64url(signature);
}

// The public part as a JWK; members without a value are left out.
[[nodiscard]] inline std::string public_jwk(const crypto::PrivateKey& key, std::string_view id,
                                            std::string_view algorithm = {}) {
  const crypto::PublicParts parts = key.public_parts();
  std::string text;
  json::Writer writer(text);
  writer.begin_object();
  switch (key.kind()) {
    case crypto::KeyKind::kRsa:
      writer.field("kty", "RSA")
          .field("n", encode_base64url(parts.modulus))
          .field("e", encode_base64url(parts.exponent));
      break;
    case crypto::KeyKind::kEd25519:
      writer.field("kty", "OKP").field("crv", "Ed25519").field("x", encode_base64url(parts.x));
      break;
    case crypto::KeyKind::kP256:
      writer.field("crv", "P-256");
      break;
    case crypto::KeyKind::kP384:
      writer.field("crv", "P-384");
      break;
    case crypto::KeyKind::kP521:
      writer.field("crv", "P-521");
      break;
  }
  if (crypto::coordinate_size(key.kind()) != 0) {
    writer.field("kty", "EC")
        .field("x", encode_base64url(parts.x))
        .field("y", encode_base64url(parts.y));
  }
  if (!id.empty()) writer.field("kid", id);
  if (!algorithm.empty()) writer.field("alg", algorithm);
  writer.end_object();
  return text;
}

[[nodiscard]] inline std::string key_set(std::initializer_list<std::string> jwks) {
  std::string text = R"({"keys":[)";
  for (const std::string& jwk : jwks) {
    if (!text.ends_with('[')) text.push_back(',');
    text += jwk;
  }
  return text + "]}";
}

}  // namespace portcullis::jose::testing
