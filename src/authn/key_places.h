// Where in a request an API key may stand, and how it is found there. A key in two places, or twice
// in one, is nobody's to choose between: it is refused.
#pragma once

#include "base/result.h"
#include "http/message.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::authn {

struct KeyPlace {
  enum class Kind : std::uint8_t { kField, kCookie, kParameter };
  Kind kind = Kind::kField;
  std::string name;  // of the field, in lower case; of the cookie; of the query's parameter

  friend bool operator==(const KeyPlace&, const KeyPlace&) = default;
};

struct PresentedKey {
  const KeyPlace* place = nullptr;
  std::string_view text;  // as it stands in the request
  std::string decoded;    // where the query spells it with `%`

  [[nodiscard]] std::string_view key() const { return decoded.empty() ? text : decoded; }
};

class KeyPlaces {
 public:
  void add(KeyPlace place);
  [[nodiscard]] const std::vector<KeyPlace>& all() const { return all_; }
  [[nodiscard]] bool has(KeyPlace::Kind kind) const;

  // Nothing when no place has a key. Errors: kAmbiguousCredentials; kMalformedRequest for a Cookie
  // field that is read in more than one way (RFC 6265 4.2.1), where cookies carry keys.
  [[nodiscard]] Result<std::optional<PresentedKey>> find(const http::Request& request
                                                         [[clang::lifetimebound]]) const
      [[clang::lifetimebound]];

 private:
  [[nodiscard]] const KeyPlace* place_of(KeyPlace::Kind kind, std::string_view name) const;
  [[nodiscard]] Result<void> find_in_cookies(std::string_view field,
                                             std::optional<PresentedKey>& found) const;
  [[nodiscard]] Result<void> find_in_query(std::string_view query,
                                           std::optional<PresentedKey>& found) const;

  std::vector<KeyPlace> all_;
  bool in_cookies_ = false;
  bool in_query_ = false;
};

// Whether a request that carries its key in a cookie comes from a page of the same origin: a
// browser sends cookies along whoever made it send the request. Sec-Fetch-Site says so where it is
// there, else Origin; where neither is, nobody vouches for the request. `scheme` is the one that
// the client sees.
[[nodiscard]] Result<void> check_same_origin(const http::Request& request, http::Scheme scheme);

// The query without the parameters of these names; a view of it when it has none of them, else of
// the arena.
[[nodiscard]] std::string_view without_parameters(std::string_view query,
                                                  const std::vector<std::string>& names,
                                                  Arena& arena);

}  // namespace portcullis::authn
