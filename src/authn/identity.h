// Who is calling: the one result of authentication. Everything behind it reads only this.
#pragma once

#include "base/clock.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portcullis::authn {

struct Identity {
  enum class Kind : std::uint8_t { kAnonymous, kUser, kService, kKey, kCertificate };

  Kind kind = Kind::kAnonymous;
  std::string authenticator;  // its name; empty when anonymous
  // `<authenticator>|<subject>`, so that two authenticators never speak for the same principal;
  // empty when anonymous. Without control characters.
  std::string subject;
  std::string issuer;  // of a token; else empty
  std::string key;     // id of the API key; else empty
  std::vector<std::string> roles;
  std::vector<std::string> scopes;
  std::vector<std::uint32_t> role_ids;  // those of `roles` that the configuration knows
  // The configured claims that the token has: a string as it is, a number or boolean as JSON writes
  // it, an array or object as JSON text. May hold any character.
  std::vector<std::pair<std::string, std::string>> claims;
  WallTime expires = WallTime::max();  // no longer valid from here on

  // Null when it has no claim of that (configured) name.
  [[nodiscard]] const std::string* claim(std::string_view name) const {
    for (const auto& [each, value] : claims) {
      if (each == name) return &value;
    }
    return nullptr;
  }
};

// Shares an Identity within one worker. The count is not atomic, since an identity is made, kept
// and used on one thread; that is what makes it cheaper than shared_ptr.
class IdentityRef {
 public:
  IdentityRef() = default;
  explicit IdentityRef(Identity&& identity) : counted_(new Counted{std::move(identity), 1}) {}
  IdentityRef(const IdentityRef& other) noexcept : counted_(other.counted_) {
    if (counted_ != nullptr) ++counted_->references;
  }
  IdentityRef(IdentityRef&& other) noexcept : counted_(std::exchange(other.counted_, nullptr)) {}
  IdentityRef& operator=(IdentityRef other) noexcept {
    std::swap(counted_, other.counted_);
    return *this;
  }
  ~IdentityRef() {
    if (counted_ != nullptr && --counted_->references == 0) delete counted_;
  }

  explicit operator bool() const { return counted_ != nullptr; }
  // The analyzer does not follow the count, and takes any copy's end for the end of all.
  // NOLINTBEGIN(clang-analyzer-cplusplus.NewDelete)
  const Identity& operator*() const { return counted_->identity; }
  const Identity* operator->() const { return &counted_->identity; }
  // NOLINTEND(clang-analyzer-cplusplus.NewDelete)

 private:
  struct Counted {
    const Identity identity;
    std::uint32_t references;
  };
  Counted* counted_ = nullptr;
};

}  // namespace portcullis::authn
