#include "crypto/digest.h"

#include "base/check.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

namespace portcullis::crypto {
namespace {

// Fetched once: OpenSSL 3.0 looks an algorithm up under a lock at every use otherwise.
const EVP_MD* algorithm(Hash hash) {
  static EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA2-256", nullptr);
  static EVP_MD* const kSha384 = EVP_MD_fetch(nullptr, "SHA2-384", nullptr);
  static EVP_MD* const kSha512 = EVP_MD_fetch(nullptr, "SHA2-512", nullptr);
  switch (hash) {
    case Hash::kSha256:
      return kSha256;
    case Hash::kSha384:
      return kSha384;
    case Hash::kSha512:
      return kSha512;
  }
  return nullptr;
}

void digest_into(Hash hash, std::string_view bytes, unsigned char* out) {
  PC_CHECK(EVP_Digest(bytes.data(), bytes.size(), out, nullptr, algorithm(hash), nullptr) == 1);
}

}  // namespace

std::string digest(Hash hash, std::string_view bytes) {
  std::string out(digest_size(hash), '\0');
  digest_into(hash, bytes, reinterpret_cast<unsigned char*>(out.data()));
  return out;
}

Sha256 sha256(std::string_view bytes) {
  Sha256 out;
  digest_into(Hash::kSha256, bytes, out.data());
  return out;
}

Sha1 sha1(std::string_view bytes) {
  static EVP_MD* const kAlgorithm = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  Sha1 out;
  PC_CHECK(EVP_Digest(bytes.data(), bytes.size(), out.data(), nullptr, kAlgorithm, nullptr) == 1);
  return out;
}

std::string hmac(Hash hash, std::string_view key, std::string_view bytes) {
  std::string out(digest_size(hash), '\0');
  // HMAC() takes an empty key only if it has an address.
  const char* const address = key.empty() ? "" : key.data();
  unsigned int size = 0;
  PC_CHECK(HMAC(algorithm(hash), address, static_cast<int>(key.size()),
                reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                reinterpret_cast<unsigned char*>(out.data()), &size) != nullptr);
  PC_CHECK(size == out.size());
  return out;
}

std::string random_bytes(std::size_t count) {
  std::string out(count, '\0');
  PC_CHECK(count <= INT32_MAX);
  PC_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count)) == 1);
  return out;
}

}  // namespace portcullis::crypto
