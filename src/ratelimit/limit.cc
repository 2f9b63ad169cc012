#include "ratelimit/limit.h"

#include "base/check.h"
#include "ratelimit/fields.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace portcullis::ratelimit {
namespace {

constexpr std::size_t kMaximumParts = 8;
constexpr unsigned kIpv6Bits = 64;

// The bytes that a bucket's hash is taken of. Each part is preceded by its length, so that two
// lists of parts never have the same bytes; a long part is replaced by a hash of its own.
class KeyBytes {
 public:
  explicit KeyBytes(const KeyHash& limit) {
    put(&limit.place, sizeof limit.place);
    put(&limit.tag, sizeof limit.tag);
  }
  void add(std::string_view part, const Table& table) {
    if (part.size() <= kLongest) {
      const auto length = static_cast<std::uint8_t>(part.size());
      put(&length, 1);
      put(part.data(), part.size());
    } else {
      const KeyHash hash = table.hash(part);
      put(&kHashed, 1);
      put(&hash.place, sizeof hash.place);
      put(&hash.tag, sizeof hash.tag);
    }
  }
  [[nodiscard]] std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  static constexpr std::size_t kLongest = 64;
  static constexpr std::uint8_t kHashed = 0xff;

  void put(const void* bytes, std::size_t size) {
    std::memcpy(bytes_.data() + size_, bytes, size);
    size_ += size;
  }
  std::array<char, sizeof(KeyHash) + kMaximumParts * (1 + kLongest)> bytes_;
  std::size_t size_ = 0;
};

std::string_view find_claim(const Attributes& attributes, std::string_view name) {
  for (const auto& [key, value] : attributes.claims) {
    if (key == name) return value;
  }
  return {};
}

// All that makes a limit what it is, without two spellings of it.
std::string canonical(const config::Limit& config) {
  std::string text = std::to_string(config.name.size()) + ':' + config.name;
  for (const config::Text& part : config.key) {
    text += ' ' + std::to_string(part.value.size()) + ':' + part.value;
  }
  text += " rate " + std::to_string(config.rate.count) + '/' +
          std::to_string(config.rate.per.count()) + " burst " + std::to_string(config.burst);
  return text;
}

bool check(const config::Limit& config, config::Diagnostics& diagnostics) {
  const std::string key = "limits." + config.name;
  const std::size_t before = diagnostics.errors();
  if (config.rate.count == 0 || config.rate.per.count() <= 0) {
    diagnostics.error(config.at, key + ".rate", "must allow at least one request in some time");
  }
  if (config.burst == 0) diagnostics.error(config.at, key + ".burst", "must be at least 1");
  if (config.key.size() > kMaximumParts) {
    diagnostics.error(config.at, key + ".key", "may have at most 8 parts");
  }
  for (const config::Text& part : config.key) {
    if (KeyPart::parse(part.value)) continue;
    diagnostics.error(part.at, key + ".key",
                      "`" + part.value +
                          "` is not something to count by; expected client.address, operation, "
                          "identity.subject, identity.key or identity.claims.NAME");
  }
  return diagnostics.errors() == before;
}

}  // namespace

std::optional<KeyPart> KeyPart::parse(std::string_view text) {
  constexpr std::string_view kClaims = "identity.claims.";
  if (text == "client.address") return KeyPart{Kind::kAddress, {}};
  if (text == "operation") return KeyPart{Kind::kOperation, {}};
  if (text == "identity.subject") return KeyPart{Kind::kSubject, {}};
  if (text == "identity.key") return KeyPart{Kind::kKey, {}};
  if (text.starts_with(kClaims) && text.size() > kClaims.size()) {
    return KeyPart{Kind::kClaim, std::string(text.substr(kClaims.size()))};
  }
  return std::nullopt;
}

std::shared_ptr<const Limit> Limit::compile(const config::Limit& config, Table& table,
                                            config::Diagnostics& diagnostics) {
  if (!check(config, diagnostics)) return nullptr;
  const auto per_ms = static_cast<std::uint64_t>(config.rate.per.count());
  Limit limit{.name = config.name,
              .rule = "limits." + config.name,
              .key = {},
              .burst = config.burst,
              .gcra = Gcra(config.rate.count, per_ms, config.burst),
              .id = table.hash(canonical(config)),
              .shared = {},
              .quoted_name = quote_field_string(config.name),
              .policy = {}};
  for (const config::Text& part : config.key) {
    const std::optional<KeyPart> parsed = KeyPart::parse(part.value);
    PC_CHECK(parsed.has_value());
    limit.key.push_back(*parsed);
  }
  limit.shared = table.shared(limit.id);
  limit.policy = policy_item(limit.quoted_name, config.rate, config.burst);
  return std::make_shared<const Limit>(std::move(limit));
}

bool Limit::needs_identity() const { return std::ranges::any_of(key, &KeyPart::needs_identity); }

std::optional<KeyHash> Limit::bucket(const Attributes& attributes, const Table& table) const {
  KeyBytes bytes(id);
  for (const KeyPart& part : key) {
    std::string_view value;
    IpAddress network;
    switch (part.kind) {
      case KeyPart::Kind::kAddress:
        network = attributes.address;
        if (!network.is_v4()) network = network.prefix(kIpv6Bits);
        value = network.view();
        break;
      case KeyPart::Kind::kOperation:
        value = attributes.operation;
        break;
      case KeyPart::Kind::kSubject:
        value = attributes.subject;
        break;
      case KeyPart::Kind::kKey:
        value = attributes.key;
        break;
      case KeyPart::Kind::kClaim:
        value = find_claim(attributes, part.claim);
        break;
    }
    if (value.empty()) return std::nullopt;
    bytes.add(value, table);
  }
  return table.hash(bytes.view());
}

}  // namespace portcullis::ratelimit
