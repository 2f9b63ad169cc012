// The extension types: how their values are read from strings, computed with and written.
#pragma once

#include "cedar/functions.h"
#include "cedar/value.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace portcullis::cedar {

// `10.0.0.1`, `10.0.0.0/8`, `::1`, `2001:db8::/32`. IPv4 within IPv6 is refused in its mixed form.
[[nodiscard]] std::optional<IpNet> parse_ip(std::string_view text);
// One to four digits after the point; in ten-thousandths.
[[nodiscard]] std::optional<std::int64_t> parse_decimal(std::string_view text);
// `2024-10-15`, `2024-10-15T11:38:02Z`, `...02.101Z`, `...02+0200`; in milliseconds since 1970.
[[nodiscard]] std::optional<std::int64_t> parse_datetime(std::string_view text);
// `1d2h3m4s5ms`, any part left out, a minus before it all; in milliseconds.
[[nodiscard]] std::optional<std::int64_t> parse_duration(std::string_view text);

[[nodiscard]] bool is_in_range(const IpNet& inner, const IpNet& outer);
[[nodiscard]] bool is_loopback(const IpNet& ip);
[[nodiscard]] bool is_multicast(const IpNet& ip);
[[nodiscard]] std::string to_string(const IpNet& ip);

// What became of a call.
enum class CallFault : std::uint8_t {
  kNone,
  kCount,     // the wrong number of arguments
  kArgument,  // an argument of the wrong type: `position` says which
  kText,      // a string that cannot be read as the type
  kOverflow,
};

struct CallResult {
  CallFault fault = CallFault::kNone;
  std::uint8_t position = 0;
  Value value;
};

// Applies an extension function. Only `ip` puts anything into the arena.
[[nodiscard]] CallResult call_function(Function function, std::span<const Value> arguments,
                                       Arena& arena);

// Of an extension type: `decimal("1.5000")`, `datetime("2024-10-15T00:00:00.000Z")`.
void append_extension(std::string& out, const Value& value);
[[nodiscard]] ValueKind kind_of(FunctionType type);

}  // namespace portcullis::cedar
