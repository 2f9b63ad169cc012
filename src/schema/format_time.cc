#include "base/ascii.h"
#include "schema/format_rules.h"

#include <optional>

namespace portcullis::schema {

namespace {

// Exactly `count` digits.
std::optional<int> take_number(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(0, count)) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(count);
  return value;
}

int days_of(int year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : kDays[month - 1];
}

bool take_date(std::string_view& text) {
  const auto year = take_number(text, 4);
  if (!year || !take(text, '-')) return false;
  const auto month = take_number(text, 2);
  if (!month || *month < 1 || *month > 12 || !take(text, '-')) return false;
  const auto day = take_number(text, 2);
  return day && *day >= 1 && *day <= days_of(*year, *month);
}

// `Z` or `+hh:mm`, in minutes east of UTC.
std::optional<int> take_offset(std::string_view& text) {
  if (text.empty()) return std::nullopt;
  const char sign = to_lower(text.front());
  text.remove_prefix(1);
  if (sign == 'z') return 0;
  if (sign != '+' && sign != '-') return std::nullopt;
  const auto hours = take_number(text, 2);
  if (!hours || *hours > 23 || !take(text, ':')) return std::nullopt;
  const auto minutes = take_number(text, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  const int offset = *hours * 60 + *minutes;
  return sign == '-' ? -offset : offset;
}

// A leap second is the last of a day of UTC (5.6, 5.7). On which days there was one is not asked:
// new ones are announced, and a schema knows no calendar.
bool take_time(std::string_view& text) {
  const auto hour = take_number(text, 2);
  if (!hour || *hour > 23 || !take(text, ':')) return false;
  const auto minute = take_number(text, 2);
  if (!minute || *minute > 59 || !take(text, ':')) return false;
  const auto second = take_number(text, 2);
  if (!second || *second > 60) return false;
  if (take(text, '.') && take_digits(text) == 0) return false;
  const auto offset = take_offset(text);
  if (!offset) return false;
  constexpr int kDay = 24 * 60;
  const int in_utc = (*hour * 60 + *minute - *offset + kDay) % kDay;
  return *second < 60 || in_utc == kDay - 1;
}

// 1*DIGIT and a unit, for units that follow one another without a gap ("P1Y2D" is none): how many
// there were, or nothing when the text is not of that form.
std::optional<std::size_t> take_units(std::string_view& text, std::string_view units) {
  std::size_t taken = 0;
  std::optional<std::size_t> last;
  while (!text.empty() && is_digit(text.front())) {
    take_digits(text);
    if (text.empty()) return std::nullopt;
    const std::size_t unit = units.find(text.front());
    if (unit == std::string_view::npos || (last && unit != *last + 1)) return std::nullopt;
    text.remove_prefix(1);
    last = unit;
    ++taken;
  }
  return taken;
}

}  // namespace

bool is_date(std::string_view text) { return take_date(text) && text.empty(); }

bool is_time(std::string_view text) { return take_time(text) && text.empty(); }

bool is_date_time(std::string_view text) {
  if (!take_date(text) || text.empty() || to_lower(text.front()) != 't') return false;
  text.remove_prefix(1);
  return is_time(text);
}

bool is_duration(std::string_view text) {
  if (!take(text, 'P')) return false;
  std::string_view weeks = text;
  if (take_digits(weeks) > 0 && weeks == "W") return true;
  const auto date = take_units(text, "YMD");
  if (!date) return false;
  if (!take(text, 'T')) return *date > 0 && text.empty();
  const auto time = take_units(text, "HMS");
  return time && *time > 0 && text.empty();
}

}  // namespace portcullis::schema
