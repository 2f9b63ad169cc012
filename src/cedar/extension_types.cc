#include "cedar/extension_types.h"

#include "base/ip.h"
#include "base/result.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <iterator>
#include <limits>

namespace portcullis::cedar {
namespace {

constexpr std::int64_t kMillisecondsADay = 24LL * 3600 * 1000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// All digits; empty when there are none, or too many for 64 bits.
std::optional<std::uint64_t> parse_digits(std::string_view text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  if (text.empty() || !std::ranges::all_of(text, is_digit)) return std::nullopt;
  if (std::from_chars(text.data(), end, value).ec != std::errc()) return std::nullopt;
  return value;
}

std::optional<std::uint8_t> parse_prefix(std::string_view text, std::uint8_t most) {
  if (text.size() > 3 || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  const auto value = parse_digits(text);
  if (!value || *value > most) return std::nullopt;
  return static_cast<std::uint8_t>(*value);
}

// Takes `count` digits from the front of the text.
std::optional<int> take_digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  const auto value = parse_digits(text.substr(0, count));
  if (!value) return std::nullopt;
  text.remove_prefix(count);
  return static_cast<int>(*value);
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

bool is_leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

int days_in_month(int year, int month) {
  constexpr std::array kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : kDays[static_cast<std::size_t>(month - 1)];
}

// Days since 1970-01-01 of the proleptic Gregorian calendar.
std::int64_t days_from_civil(int year, int month, int day) {
  std::int64_t days = 0;
  const std::int64_t before = year - 1;
  if (year > 0) {
    days = before * 365 + before / 4 - before / 100 + before / 400;
  } else {
    days = -366;  // the year 0 is a leap year
  }
  for (int one = 1; one < month; ++one) days += days_in_month(year, one);
  constexpr std::int64_t kDaysTo1970 = 719162;
  return days + day - 1 - kDaysTo1970;
}

// `Z`, `.123Z`, `+0200`, `.123-0130` at the end of a datetime; adds to the milliseconds.
bool take_fraction_and_offset(std::string_view text, std::int64_t& milliseconds) {
  if (take(text, '.')) {
    const auto fraction = take_digits(text, 3);
    if (!fraction) return false;
    milliseconds += *fraction;
  }
  if (text == "Z") return true;
  const bool ahead = text.starts_with('+');
  if (!ahead && !text.starts_with('-')) return false;
  text.remove_prefix(1);
  const auto hours = take_digits(text, 2);
  const auto minutes = take_digits(text, 2);
  if (!hours || !minutes || !text.empty() || *hours > 23 || *minutes > 59) return false;
  const std::int64_t offset = (*hours * 60LL + *minutes) * 60'000;
  milliseconds += ahead ? -offset : offset;
  return true;
}

}  // namespace

std::optional<IpNet> parse_ip(std::string_view text) {
  constexpr std::size_t kLongest = 43;  // eight groups and `/128`
  if (text.size() > kLongest) return std::nullopt;
  const std::size_t slash = text.find('/');
  const std::string_view address = text.substr(0, slash);
  const auto parsed = IpAddress::parse(address);
  if (!parsed) return std::nullopt;
  IpNet net;
  net.v6 = address.contains(':');
  if (net.v6 && address.contains('.')) return std::nullopt;
  net.bytes = parsed->bytes;
  if (!net.v6) std::fill_n(net.bytes.begin(), 12, std::uint8_t{0});
  net.prefix = net.v6 ? 128 : 32;
  if (slash == std::string_view::npos) return net;
  const auto prefix = parse_prefix(text.substr(slash + 1), net.prefix);
  if (!prefix) return std::nullopt;
  net.prefix = *prefix;
  return net;
}

std::optional<std::int64_t> parse_decimal(std::string_view text) {
  const bool negative = take(text, '-');
  const std::size_t point = text.find('.');
  if (point == std::string_view::npos) return std::nullopt;
  std::string digits(text.substr(point + 1));
  if (digits.empty() || digits.size() > 4) return std::nullopt;
  digits.resize(4, '0');
  const auto whole = parse_digits(text.substr(0, point));
  const auto fraction = parse_digits(digits);
  if (!whole || !fraction || *whole > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
  auto value = static_cast<std::int64_t>(*whole);
  if (negative) value = -value;
  const auto rest = static_cast<std::int64_t>(*fraction);
  if (__builtin_mul_overflow(value, 10'000, &value)) return std::nullopt;
  if (__builtin_add_overflow(value, negative ? -rest : rest, &value)) return std::nullopt;
  return value;
}

std::optional<std::int64_t> parse_datetime(std::string_view text) {
  const auto year = take_digits(text, 4);
  if (!year || !take(text, '-')) return std::nullopt;
  const auto month = take_digits(text, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  const auto day = take_digits(text, 2);
  if (!day || *month < 1 || *month > 12 || *day < 1 || *day > days_in_month(*year, *month))
    return std::nullopt;
  std::int64_t milliseconds = days_from_civil(*year, *month, *day) * kMillisecondsADay;
  if (text.empty()) return milliseconds;
  if (!take(text, 'T')) return std::nullopt;
  const auto hours = take_digits(text, 2);
  if (!hours || !take(text, ':')) return std::nullopt;
  const auto minutes = take_digits(text, 2);
  if (!minutes || !take(text, ':')) return std::nullopt;
  const auto seconds = take_digits(text, 2);
  if (!seconds || *hours > 23 || *minutes > 59 || *seconds > 59) return std::nullopt;
  milliseconds += ((*hours * 60LL + *minutes) * 60 + *seconds) * 1000;
  if (!take_fraction_and_offset(text, milliseconds)) return std::nullopt;
  return milliseconds;
}

std::optional<std::int64_t> parse_duration(std::string_view text) {
  struct Unit {
    std::string_view name;
    std::int64_t milliseconds;
  };
  constexpr std::array kUnits = {Unit{"d", kMillisecondsADay}, Unit{"h", 3'600'000},
                                 Unit{"m", 60'000}, Unit{"s", 1000}, Unit{"ms", 1}};
  const bool negative = take(text, '-');
  if (text.empty()) return std::nullopt;
  std::size_t next = 0;  // units come in this order, each at most once
  // The parts are summed from the smallest up, so that no partial sum overflows that the whole
  // does not.
  std::array<std::int64_t, kUnits.size()> parts{};
  while (!text.empty()) {
    const auto end =
        static_cast<std::size_t>(std::ranges::find_if_not(text, is_digit) - text.begin());
    const std::string_view digits = text.substr(0, end);
    const auto number = parse_digits(digits);
    text.remove_prefix(end);
    const std::size_t letters = text.starts_with("ms") ? 2 : 1;
    const std::string_view name = text.substr(0, letters);
    while (next < kUnits.size() && kUnits[next].name != name) ++next;
    if (next == kUnits.size() || !number) return std::nullopt;
    if (negative && *number == 1ULL << 63U && kUnits[next].milliseconds == 1) {
      parts[next] = INT64_MIN;
    } else if (*number > static_cast<std::uint64_t>(INT64_MAX)) {
      return std::nullopt;
    } else {
      parts[next] =
          negative ? -static_cast<std::int64_t>(*number) : static_cast<std::int64_t>(*number);
    }
    if (__builtin_mul_overflow(parts[next], kUnits[next].milliseconds, &parts[next]))
      return std::nullopt;
    text.remove_prefix(letters);
    ++next;
  }
  std::int64_t total = 0;
  for (std::size_t i = parts.size(); i-- > 0;) {
    if (__builtin_add_overflow(total, parts[i], &total)) return std::nullopt;
  }
  return total;
}

namespace {

// Whether the first `bits` bits of both are the same.
bool same_prefix(const IpNet& a, const IpNet& b, unsigned bits) {
  const std::size_t first = a.v6 ? 0 : 12;
  for (std::size_t i = first; bits > 0; ++i) {
    const unsigned here = std::min(bits, 8U);
    const unsigned mask = 0xff00U >> here & 0xffU;
    if (((a.bytes[i] ^ b.bytes[i]) & mask) != 0) return false;
    bits -= here;
  }
  return true;
}

}  // namespace

bool is_in_range(const IpNet& inner, const IpNet& outer) {
  return inner.v6 == outer.v6 && inner.prefix >= outer.prefix &&
         same_prefix(inner, outer, outer.prefix);
}

bool is_loopback(const IpNet& ip) {
  if (!ip.v6) return ip.bytes[12] == 127 && ip.prefix >= 8;
  IpNet one;
  one.bytes[15] = 1;
  return ip.bytes == one.bytes && ip.prefix == 128;
}

bool is_multicast(const IpNet& ip) {
  if (!ip.v6) return (ip.bytes[12] & 0xf0U) == 0xe0 && ip.prefix >= 4;
  return ip.bytes[0] == 0xff && ip.prefix >= 8;
}

std::string to_string(const IpNet& ip) {
  std::string text;
  if (!ip.v6) {
    text = fmt::format("{}.{}.{}.{}", ip.bytes[12], ip.bytes[13], ip.bytes[14], ip.bytes[15]);
  } else {
    IpAddress address;
    address.bytes = ip.bytes;
    text = address.to_string();
    // What looks like IPv4 within IPv6 is written in a form that parse_ip takes.
    if (text.contains('.') || !text.contains(':')) {
      text.clear();
      for (std::size_t i = 0; i < 16; i += 2)
        fmt::format_to(std::back_inserter(text), "{}{:x}", i == 0 ? "" : ":",
                       ip.bytes[i] * 256 + ip.bytes[i + 1]);
    }
  }
  if (ip.prefix != (ip.v6 ? 128 : 32)) fmt::format_to(std::back_inserter(text), "/{}", ip.prefix);
  return text;
}

ValueKind kind_of(FunctionType type) {
  switch (type) {
    case FunctionType::kBool:
      return ValueKind::kBool;
    case FunctionType::kLong:
      return ValueKind::kLong;
    case FunctionType::kString:
      return ValueKind::kString;
    case FunctionType::kIpaddr:
      return ValueKind::kIpaddr;
    case FunctionType::kDecimal:
      return ValueKind::kDecimal;
    case FunctionType::kDatetime:
      return ValueKind::kDatetime;
    case FunctionType::kDuration:
      return ValueKind::kDuration;
  }
  return ValueKind::kBool;
}

namespace {

CallResult fails(CallFault fault) { return {fault, 0, {}}; }
CallResult gives(bool value) { return {CallFault::kNone, 0, Value::of_bool(value)}; }
CallResult gives(ValueKind kind, std::int64_t value) {
  return {CallFault::kNone, 0, Value::of_integer(kind, value)};
}

CallResult read_integer(ValueKind kind, std::optional<std::int64_t> value) {
  return value ? gives(kind, *value) : fails(CallFault::kText);
}

CallResult to_date(std::int64_t moment) {
  std::int64_t within = moment % kMillisecondsADay;
  if (within < 0) within += kMillisecondsADay;
  std::int64_t date = 0;
  if (__builtin_sub_overflow(moment, within, &date)) return fails(CallFault::kOverflow);
  return gives(ValueKind::kDatetime, date);
}

CallResult to_time(std::int64_t moment) {
  const std::int64_t within = moment % kMillisecondsADay;
  return gives(ValueKind::kDuration, within < 0 ? within + kMillisecondsADay : within);
}

CallResult apply(Function function, std::span<const Value> arguments, Arena& arena) {
  const Value& first = arguments.front();
  const auto second = [&]() -> const Value& { return arguments[1]; };
  std::int64_t result = 0;
  switch (function) {
    case Function::kIp: {
      const auto ip = parse_ip(first.text());
      if (!ip) return fails(CallFault::kText);
      return {CallFault::kNone, 0, Value::of_ip(std::construct_at(arena.array<IpNet>(1), *ip))};
    }
    case Function::kIsIpv4:
      return gives(!first.ip->v6);
    case Function::kIsIpv6:
      return gives(first.ip->v6);
    case Function::kIsLoopback:
      return gives(is_loopback(*first.ip));
    case Function::kIsMulticast:
      return gives(is_multicast(*first.ip));
    case Function::kIsInRange:
      return gives(is_in_range(*first.ip, *second().ip));
    case Function::kDecimal:
      return read_integer(ValueKind::kDecimal, parse_decimal(first.text()));
    case Function::kLessThan:
      return gives(first.integer < second().integer);
    case Function::kLessThanOrEqual:
      return gives(first.integer <= second().integer);
    case Function::kGreaterThan:
      return gives(first.integer > second().integer);
    case Function::kGreaterThanOrEqual:
      return gives(first.integer >= second().integer);
    case Function::kDatetime:
      return read_integer(ValueKind::kDatetime, parse_datetime(first.text()));
    case Function::kOffset:
      if (__builtin_add_overflow(first.integer, second().integer, &result))
        return fails(CallFault::kOverflow);
      return gives(ValueKind::kDatetime, result);
    case Function::kDurationSince:
      if (__builtin_sub_overflow(first.integer, second().integer, &result))
        return fails(CallFault::kOverflow);
      return gives(ValueKind::kDuration, result);
    case Function::kToDate:
      return to_date(first.integer);
    case Function::kToTime:
      return to_time(first.integer);
    case Function::kDuration:
      return read_integer(ValueKind::kDuration, parse_duration(first.text()));
    case Function::kToMilliseconds:
      return gives(ValueKind::kLong, first.integer);
    case Function::kToSeconds:
      return gives(ValueKind::kLong, first.integer / 1000);
    case Function::kToMinutes:
      return gives(ValueKind::kLong, first.integer / 60'000);
    case Function::kToHours:
      return gives(ValueKind::kLong, first.integer / 3'600'000);
    case Function::kToDays:
      return gives(ValueKind::kLong, first.integer / kMillisecondsADay);
  }
  return fails(CallFault::kCount);
}

void append_datetime(std::string& out, std::int64_t moment) {
  // Only what has a four-digit year can be written as a date; the rest as an offset from 1970.
  constexpr std::int64_t kFirst = -62'167'219'200'000;  // 0000-01-01
  constexpr std::int64_t kLast = 253'402'300'799'999;   // 9999-12-31T23:59:59.999
  if (moment < kFirst || moment > kLast) {
    fmt::format_to(std::back_inserter(out), "datetime(\"1970-01-01\").offset(duration(\"{}ms\"))",
                   moment);
    return;
  }
  std::int64_t days = (moment - kFirst) / kMillisecondsADay;
  const std::int64_t within = (moment - kFirst) % kMillisecondsADay;
  int year = static_cast<int>(days / 366);
  const std::int64_t since_zero = days_from_civil(0, 1, 1);
  while (year < 9999 && days_from_civil(year + 1, 1, 1) - since_zero <= days) ++year;
  days -= days_from_civil(year, 1, 1) - since_zero;
  int month = 1;
  while (days >= days_in_month(year, month)) days -= days_in_month(year, month++);
  fmt::format_to(std::back_inserter(out),
                 "datetime(\"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z\")", year, month, days + 1,
                 within / 3'600'000, within / 60'000 % 60, within / 1000 % 60, within % 1000);
}

}  // namespace

CallResult call_function(Function function, std::span<const Value> arguments, Arena& arena) {
  const FunctionInfo& info = info_of(function);
  if (!accepts_count(info, arguments.size())) return fails(CallFault::kCount);
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i].kind != kind_of(info.arguments[i]))
      return {CallFault::kArgument, static_cast<std::uint8_t>(i), {}};
  }
  return apply(function, arguments, arena);
}

void append_extension(std::string& out, const Value& value) {
  const auto to = std::back_inserter(out);
  switch (value.kind) {
    case ValueKind::kIpaddr:
      fmt::format_to(to, "ip(\"{}\")", to_string(*value.ip));
      return;
    case ValueKind::kDecimal: {
      const bool negative = value.integer < 0;
      const auto bits = static_cast<std::uint64_t>(value.integer);
      const std::uint64_t size = negative ? 0 - bits : bits;
      fmt::format_to(to, "decimal(\"{}{}.{:04}\")", negative ? "-" : "", size / 10'000,
                     size % 10'000);
      return;
    }
    case ValueKind::kDatetime:
      append_datetime(out, value.integer);
      return;
    case ValueKind::kDuration:
      fmt::format_to(to, "duration(\"{}ms\")", value.integer);
      return;
    default:
      return;
  }
}

}  // namespace portcullis::cedar
