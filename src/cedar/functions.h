// The functions and methods of Cedar's extension types, as data: what the parser accepts, what the
// validator checks and what the evaluator dispatches on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace portcullis::cedar {

enum class Function : std::uint8_t {
  kIp,
  kIsIpv4,
  kIsIpv6,
  kIsLoopback,
  kIsMulticast,
  kIsInRange,
  kDecimal,
  kLessThan,
  kLessThanOrEqual,
  kGreaterThan,
  kGreaterThanOrEqual,
  kDatetime,
  kOffset,
  kDurationSince,
  kToDate,
  kToTime,
  kDuration,
  kToMilliseconds,
  kToSeconds,
  kToMinutes,
  kToHours,
  kToDays,
};

enum class CallStyle : std::uint8_t { kFunction, kMethod };

// What a function takes and gives.
enum class FunctionType : std::uint8_t {
  kBool,
  kLong,
  kString,
  kIpaddr,
  kDecimal,
  kDatetime,
  kDuration,
};

struct FunctionInfo {
  Function function;
  std::string_view name;
  CallStyle style;
  FunctionType result;
  std::span<const FunctionType> arguments;  // of a method, what it is called on comes first
};

[[nodiscard]] std::span<const FunctionInfo> all_functions();
[[nodiscard]] const FunctionInfo& info_of(Function function);
// nullptr when there is none of that name.
[[nodiscard]] const FunctionInfo* find_function(std::string_view name);
// `ipaddr`, `decimal`, ...: how a schema calls the type.
[[nodiscard]] std::string_view name_of(FunctionType type);
// A call with the wrong number of arguments parses, and errs when it is evaluated.
[[nodiscard]] bool accepts_count(const FunctionInfo& info, std::size_t arguments);

}  // namespace portcullis::cedar
