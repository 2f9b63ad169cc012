#include "cedar/functions.h"

#include <algorithm>
#include <array>

namespace portcullis::cedar {
namespace {

using enum FunctionType;

constexpr std::array kOneString = {kString};
constexpr std::array kOneIp = {kIpaddr};
constexpr std::array kTwoIps = {kIpaddr, kIpaddr};
constexpr std::array kTwoDecimals = {kDecimal, kDecimal};
constexpr std::array kOneDatetime = {kDatetime};
constexpr std::array kTwoDatetimes = {kDatetime, kDatetime};
constexpr std::array kMoment = {kDatetime, kDuration};
constexpr std::array kOneDuration = {kDuration};
constexpr CallStyle kOf = CallStyle::kMethod;

// In the order of Function.
constexpr std::array kFunctions = {
    FunctionInfo{Function::kIp, "ip", CallStyle::kFunction, kIpaddr, kOneString},
    FunctionInfo{Function::kIsIpv4, "isIpv4", kOf, kBool, kOneIp},
    FunctionInfo{Function::kIsIpv6, "isIpv6", kOf, kBool, kOneIp},
    FunctionInfo{Function::kIsLoopback, "isLoopback", kOf, kBool, kOneIp},
    FunctionInfo{Function::kIsMulticast, "isMulticast", kOf, kBool, kOneIp},
    FunctionInfo{Function::kIsInRange, "isInRange", kOf, kBool, kTwoIps},
    FunctionInfo{Function::kDecimal, "decimal", CallStyle::kFunction, kDecimal, kOneString},
    FunctionInfo{Function::kLessThan, "lessThan", kOf, kBool, kTwoDecimals},
    FunctionInfo{Function::kLessThanOrEqual, "lessThanOrEqual", kOf, kBool, kTwoDecimals},
    FunctionInfo{Function::kGreaterThan, "greaterThan", kOf, kBool, kTwoDecimals},
    FunctionInfo{Function::kGreaterThanOrEqual, "greaterThanOrEqual", kOf, kBool, kTwoDecimals},
    FunctionInfo{Function::kDatetime, "datetime", CallStyle::kFunction, kDatetime, kOneString},
    FunctionInfo{Function::kOffset, "offset", kOf, kDatetime, kMoment},
    FunctionInfo{Function::kDurationSince, "durationSince", kOf, kDuration, kTwoDatetimes},
    FunctionInfo{Function::kToDate, "toDate", kOf, kDatetime, kOneDatetime},
    FunctionInfo{Function::kToTime, "toTime", kOf, kDuration, kOneDatetime},
    FunctionInfo{Function::kDuration, "duration", CallStyle::kFunction, kDuration, kOneString},
    FunctionInfo{Function::kToMilliseconds, "toMilliseconds", kOf, kLong, kOneDuration},
    FunctionInfo{Function::kToSeconds, "toSeconds", kOf, kLong, kOneDuration},
    FunctionInfo{Function::kToMinutes, "toMinutes", kOf, kLong, kOneDuration},
    FunctionInfo{Function::kToHours, "toHours", kOf, kLong, kOneDuration},
    FunctionInfo{Function::kToDays, "toDays", kOf, kLong, kOneDuration},
};

constexpr bool is_in_order() {
  for (std::size_t i = 0; i < kFunctions.size(); ++i) {
    if (static_cast<std::size_t>(kFunctions[i].function) != i) return false;
  }
  return true;
}
static_assert(is_in_order());

}  // namespace

std::span<const FunctionInfo> all_functions() { return kFunctions; }

const FunctionInfo& info_of(Function function) {
  return kFunctions[static_cast<std::size_t>(function)];
}

const FunctionInfo* find_function(std::string_view name) {
  const auto* found = std::ranges::find(kFunctions, name, &FunctionInfo::name);
  return found == kFunctions.end() ? nullptr : found;
}

std::string_view name_of(FunctionType type) {
  switch (type) {
    case kBool:
      return "Bool";
    case kLong:
      return "Long";
    case kString:
      return "String";
    case kIpaddr:
      return "ipaddr";
    case kDecimal:
      return "decimal";
    case kDatetime:
      return "datetime";
    case kDuration:
      return "duration";
  }
  return {};
}

bool accepts_count(const FunctionInfo& info, std::size_t arguments) {
  return arguments == info.arguments.size();
}

}  // namespace portcullis::cedar
