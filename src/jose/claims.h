// Where to find something in a token's claims, and how to read it as text.
#pragma once

#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::json {
class Value;
}

namespace portcullis::jose {

// `realm_access.roles`: members of members. A claim whose whole name has dots, as
// `https://example.com/roles` has, is found by that name first.
class ClaimPath {
 public:
  ClaimPath() = default;  // finds nothing
  explicit ClaimPath(std::string_view dotted);

  [[nodiscard]] bool empty() const { return name_.empty(); }
  // Empty when it is not there or `null`.
  [[nodiscard]] std::optional<json::Value> find(json::Value claims) const;

 private:
  std::string name_;
  std::vector<std::string> segments_;
};

// An array of strings, or one string: split at spaces where `split` says so (RFC 6749 3.3:
// `scope`), else a list of one. Errors, kCredentialsInvalid: anything else.
enum class Split : std::uint8_t { kNever, kAtSpaces };
[[nodiscard]] Result<std::vector<std::string>> string_list(json::Value value, Split split,
                                                           std::string_view what);

// A string as it is; a number or boolean as JSON writes it; an array or object as JSON text.
[[nodiscard]] std::string claim_text(json::Value value);

}  // namespace portcullis::jose
