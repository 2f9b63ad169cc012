// Signature algorithms by their JOSE names (RFC 7518 3.1, RFC 8037 3.1). `none` and HS* have no
// value here, so nothing that takes an algorithm can be asked to use them.
#pragma once

#include "crypto/keys.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace portcullis::jose {

using crypto::SignatureAlgorithm;

// Case-sensitive, as RFC 7515 4.1.1 says.
[[nodiscard]] std::optional<SignatureAlgorithm> parse_algorithm(std::string_view name);
[[nodiscard]] std::string_view algorithm_name(SignatureAlgorithm algorithm);

class AlgorithmSet {
 public:
  void insert(SignatureAlgorithm algorithm) { bits_ |= bit(algorithm); }
  [[nodiscard]] bool contains(SignatureAlgorithm algorithm) const {
    return (bits_ & bit(algorithm)) != 0;
  }
  [[nodiscard]] bool empty() const { return bits_ == 0; }
  static AlgorithmSet all() {
    AlgorithmSet set;
    set.bits_ = (1U << crypto::kSignatureAlgorithms) - 1;
    return set;
  }

 private:
  static std::uint32_t bit(SignatureAlgorithm algorithm) {
    return 1U << static_cast<unsigned>(algorithm);
  }
  std::uint32_t bits_ = 0;
};

}  // namespace portcullis::jose
