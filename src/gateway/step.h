// The steps of the request's way, by the names that logs and metrics use.
#pragma once

#include <cstdint>
#include <string_view>

namespace portcullis::gateway {

enum class Step : std::uint8_t {
  kRead,
  kRoute,
  kAdmit,
  kAuthenticate,
  kLimit,
  kAuthorize,
  kValidate,
  kForward,
};
inline constexpr std::size_t kSteps = 8;

[[nodiscard]] constexpr std::string_view step_name(Step step) {
  switch (step) {
    case Step::kRead:
      return "read";
    case Step::kRoute:
      return "route";
    case Step::kAdmit:
      return "admit";
    case Step::kAuthenticate:
      return "authenticate";
    case Step::kLimit:
      return "limit";
    case Step::kAuthorize:
      return "authorize";
    case Step::kValidate:
      return "validate";
    case Step::kForward:
      return "forward";
  }
  return "";
}

}  // namespace portcullis::gateway
