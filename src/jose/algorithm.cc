#include "jose/algorithm.h"

#include <array>

namespace portcullis::jose {
namespace {

// In the order of the enumerators.
constexpr std::array<std::string_view, crypto::kSignatureAlgorithms> kNames = {
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"};

}  // namespace

std::optional<SignatureAlgorithm> parse_algorithm(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<SignatureAlgorithm>(i);
  }
  return std::nullopt;
}

std::string_view algorithm_name(SignatureAlgorithm algorithm) {
  return kNames[static_cast<std::size_t>(algorithm)];
}

}  // namespace portcullis::jose
