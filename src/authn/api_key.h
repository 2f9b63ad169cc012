// API keys: `pc_<id>_<secret><checksum>`. The configuration has their SHA-256 alone; a secret of
// 256 random bits needs no slower hash.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "config/config.h"
#include "crypto/digest.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace portcullis::authn {

// The keys of one authenticator, by digest. Immutable.
class ApiKeyTable {
 public:
  ApiKeyTable() = default;
  explicit ApiKeyTable(const std::vector<config::ApiKey>& keys);

  struct Entry {
    std::string id;
    std::vector<std::string> roles;
    std::vector<std::string> scopes;
    std::vector<Cidr> addresses;  // empty: anywhere
    WallTime expires;             // no longer accepted from here on
    crypto::Sha256 digest;

    [[nodiscard]] bool may_come_from(const IpAddress& address) const;
  };

  // The place in entries() of the key that was presented; empty when there is none. Takes time that
  // says nothing about how near a wrong key is: what is compared are digests, all bytes of them.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view presented) const;
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
  // By the first eight bytes of the digest. The table never grows while requests come in, so
  // nobody can fill a bucket of it.
  std::unordered_multimap<std::uint64_t, std::size_t> by_prefix_;
};

struct GeneratedKey {
  Secret text;         // what its holder keeps
  std::string sha256;  // lower-case hexadecimal: what the configuration keeps
};

// `id` is that of the configuration: letters, digits, `_` and `-`. When empty, one is made up.
[[nodiscard]] GeneratedKey generate_api_key(std::string_view id = {});

// Whether a text has the shape and the checksum of a key: how a leak scanner tells it from chance.
// Says nothing of its validity.
[[nodiscard]] bool looks_like_api_key(std::string_view text);

}  // namespace portcullis::authn
