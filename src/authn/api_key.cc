#include "authn/api_key.h"

#include "base/check.h"
#include "base/encoding.h"

#include <algorithm>
#include <cstring>

namespace portcullis::authn {
namespace {

// The wall clock counts nanoseconds and ends in 2262: a later day is as good as never.
WallTime saturated(std::chrono::sys_seconds at) {
  return at < std::chrono::floor<std::chrono::seconds>(WallTime::max()) ? WallTime(at)
                                                                        : WallTime::max();
}

constexpr std::string_view kPrefix = "pc_";
constexpr std::size_t kSecretSize = 43;       // characters of 62: 256 bits
constexpr std::size_t kChecksumSize = 6;      // characters of 62: more than 32 bits
constexpr std::size_t kMaximumKeySize = 512;  // bytes that are hashed for a caller
constexpr std::string_view kBase62 =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

std::uint64_t prefix_of(const crypto::Sha256& digest) {
  std::uint64_t prefix;
  std::memcpy(&prefix, digest.data(), sizeof prefix);
  return prefix;
}

// CRC-32 of ISO 3309, the one that everybody has at hand.
std::uint32_t crc32(std::string_view text) {
  std::uint32_t crc = 0xffffffff;
  for (const char c : text) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320U : 0U);
  }
  return ~crc;
}

std::string checksum(std::string_view text) {
  std::uint32_t left = crc32(text);
  std::string out(kChecksumSize, '0');
  for (std::size_t i = kChecksumSize; i-- > 0; left /= 62) out[i] = kBase62[left % 62];
  return out;
}

// Uniform: bytes that would favour some characters are drawn again.
std::string random_base62(std::size_t count) {
  std::string out;
  out.reserve(count);
  while (out.size() < count) {
    std::string bytes = crypto::random_bytes(count);
    for (const char c : bytes) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 248 && out.size() < count) out.push_back(kBase62[byte % 62]);
    }
    wipe(bytes.data(), bytes.size());
  }
  return out;
}

}  // namespace

ApiKeyTable::ApiKeyTable(const std::vector<config::ApiKey>& keys) {
  entries_.reserve(keys.size());
  for (const config::ApiKey& key : keys) {
    Entry entry{.id = key.id,
                .roles = key.roles,
                .scopes = key.scopes,
                .addresses = key.addresses,
                .expires = key.expires ? saturated(*key.expires) : WallTime::max(),
                .digest = {}};
    PC_CHECK(key.sha256.size() == entry.digest.size());
    std::memcpy(entry.digest.data(), key.sha256.data(), entry.digest.size());
    by_prefix_.emplace(prefix_of(entry.digest), entries_.size());
    entries_.push_back(std::move(entry));
  }
}

bool ApiKeyTable::Entry::may_come_from(const IpAddress& address) const {
  return addresses.empty() || std::ranges::any_of(addresses, [&](const Cidr& network) {
           return network.contains(address);
         });
}

std::optional<std::size_t> ApiKeyTable::find(std::string_view presented) const {
  if (presented.empty() || presented.size() > kMaximumKeySize) return std::nullopt;
  const crypto::Sha256 digest = crypto::sha256(presented);
  const auto [begin, end] = by_prefix_.equal_range(prefix_of(digest));
  for (auto at = begin; at != end; ++at) {
    const Entry& entry = entries_[at->second];
    if (constant_time_equal(crypto::view(entry.digest), crypto::view(digest))) return at->second;
  }
  return std::nullopt;
}

GeneratedKey generate_api_key(std::string_view id) {
  std::string text(kPrefix);
  // Room for everything at once: growing would leave copies of the secret behind.
  text.reserve(kMaximumKeySize);
  text += id.empty() ? random_base62(8) : std::string(id);
  text.push_back('_');
  std::string secret = random_base62(kSecretSize);
  text += secret;
  wipe(secret.data(), secret.size());
  text += checksum(text);
  std::string digest = encode_hex(crypto::view(crypto::sha256(text)));
  return {Secret(std::move(text)), std::move(digest)};
}

bool looks_like_api_key(std::string_view text) {
  if (!text.starts_with(kPrefix)) return false;
  const std::size_t last = text.rfind('_');
  if (last <= kPrefix.size()) return false;
  if (text.size() - last - 1 != kSecretSize + kChecksumSize) return false;
  if (text.find_first_not_of(kBase62, last + 1) != std::string_view::npos) return false;
  const std::size_t body = text.size() - kChecksumSize;
  return text.substr(body) == checksum(text.substr(0, body));
}

}  // namespace portcullis::authn
