// Recognises RSA moduli made by the flawed generator of CVE-2017-15361 ("ROCA"), whose private keys
// can be computed. Source: Nemec et al., "The Return of Coppersmith's Attack" (2017), 2.1: such a
// modulus is a power of 65537 modulo every small prime.
#pragma once

#include <string_view>

namespace portcullis::crypto {

// `modulus` is big-endian. An honest key is taken for one of these with probability below 2^-27.
[[nodiscard]] bool has_roca_fingerprint(std::string_view modulus);

}  // namespace portcullis::crypto
