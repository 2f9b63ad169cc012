#include "schema/decimal.h"

#include <algorithm>
#include <charconv>

namespace portcullis::schema {
namespace {

constexpr std::size_t kSmallDigits = 18;

__extension__ using Wide = unsigned __int128;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view take_digits(std::string_view& text) {
  const auto end = std::ranges::find_if_not(text, is_digit);
  const auto count = static_cast<std::size_t>(end - text.begin());
  const std::string_view digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

std::int64_t take_exponent(std::string_view text) {
  if (text.empty()) return 0;
  text.remove_prefix(1);  // e
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t exponent = 0;
  // The reader bounds exponents; where one is written with more, it is as good as unending.
  if (std::from_chars(text.data(), text.data() + text.size(), exponent).ec != std::errc{}) {
    return text.starts_with('-') ? INT32_MIN : INT32_MAX;
  }
  return exponent;
}

std::uint64_t power_of_ten(std::int64_t exponent, std::uint64_t modulus) {
  Wide power = 1 % modulus;
  Wide base = 10 % modulus;
  for (auto left = static_cast<std::uint64_t>(exponent); left > 0; left >>= 1) {
    if ((left & 1) != 0) power = power * base % modulus;
    base = base * base % modulus;
  }
  return static_cast<std::uint64_t>(power);
}

// The digits of a small number as text, so that it can be a Decimal.
class SmallText {
 public:
  explicit SmallText(std::int64_t number)
      : end_(std::to_chars(chars_.data(), chars_.data() + chars_.size(), number).ptr) {}
  [[nodiscard]] Decimal decimal() const {
    return Decimal::of({chars_.data(), static_cast<std::size_t>(end_ - chars_.data())});
  }

 private:
  std::array<char, 24> chars_;
  char* end_;
};

}  // namespace

Decimal Decimal::of(std::string_view text) {
  Decimal made;
  made.negative = text.starts_with('-');
  if (made.negative) text.remove_prefix(1);
  made.head = take_digits(text);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    made.tail = take_digits(text);
  }
  made.point = static_cast<std::int64_t>(made.head.size()) + take_exponent(text);
  const auto strip = [&made](std::string_view& digits) {
    const std::size_t zeros = std::min(digits.find_first_not_of('0'), digits.size());
    digits.remove_prefix(zeros);
    made.point -= static_cast<std::int64_t>(zeros);
  };
  strip(made.head);
  if (made.head.empty()) strip(made.tail);
  // npos + 1 is 0: nothing but zeros.
  made.tail = made.tail.substr(0, made.tail.find_last_not_of('0') + 1);
  if (made.tail.empty()) made.head = made.head.substr(0, made.head.find_last_not_of('0') + 1);
  if (made.is_zero()) {
    made.point = 0;
    made.negative = false;
  }
  return made;
}

int compare(const Decimal& a, const Decimal& b) {
  if (a.is_zero() || b.is_zero()) {
    if (a.is_zero() && b.is_zero()) return 0;
    return a.is_zero() ? (b.negative ? 1 : -1) : (a.negative ? -1 : 1);
  }
  if (a.negative != b.negative) return a.negative ? -1 : 1;
  const int above = a.negative ? -1 : 1;
  if (a.point != b.point) return a.point > b.point ? above : -above;
  const std::size_t common = std::min(a.size(), b.size());
  for (std::size_t at = 0; at < common; ++at) {
    if (a.digit(at) != b.digit(at)) return a.digit(at) > b.digit(at) ? above : -above;
  }
  // Neither ends in 0: the longer one is further from 0.
  if (a.size() == b.size()) return 0;
  return a.size() > b.size() ? above : -above;
}

namespace {

// Without its fraction; nothing when that has more than 18 digits.
std::optional<std::int64_t> whole_part_of(const Decimal& decimal) {
  if (decimal.point > static_cast<std::int64_t>(kSmallDigits)) return std::nullopt;
  std::int64_t whole = 0;
  for (std::int64_t at = 0; at < decimal.point; ++at) {
    const auto i = static_cast<std::size_t>(at);
    whole = whole * 10 + (i < decimal.size() ? decimal.digit(i) - '0' : 0);
  }
  return decimal.negative ? -whole : whole;
}

}  // namespace

Number::Number(std::string_view text)
    : decimal_(Decimal::of(text)),
      is_small_(decimal_.is_integer() && decimal_.point <= static_cast<std::int64_t>(kSmallDigits)),
      small_(is_small_ ? whole_part_of(decimal_).value_or(0) : 0) {}

namespace {

// Mostly the sign or the size tells, before digits are looked at.
int compare_to_small(const Decimal& a, std::int64_t b) {
  if (b == 0 || a.is_zero() || a.negative != (b < 0)) {
    const int sign = a.is_zero() ? 0 : (a.negative ? -1 : 1);
    if (sign != 0) return sign;
    return b < 0 ? 1 : -static_cast<int>(b > 0);
  }
  return compare(a, SmallText(b).decimal());
}

}  // namespace

int compare(const Number& a, const Number& b) {
  if (a.is_small() && b.is_small()) {
    return a.small() < b.small() ? -1 : static_cast<int>(a.small() > b.small());
  }
  if (a.is_small()) return -compare_to_small(b.decimal(), a.small());
  if (b.is_small()) return compare_to_small(a.decimal(), b.small());
  return compare(a.decimal(), b.decimal());
}

std::optional<std::int64_t> Number::whole_part() const {
  return is_small_ ? small_ : whole_part_of(decimal_);
}

bool Divisor::set(const Number& number) {
  const SmallText text(number.small());
  const Decimal decimal = number.is_small() ? text.decimal() : number.decimal();
  if (decimal.is_zero() || decimal.negative || decimal.size() > kSmallDigits) return false;
  digits_ = 0;
  for (std::size_t at = 0; at < decimal.size(); ++at) {
    digits_ = digits_ * 10 + static_cast<unsigned>(decimal.digit(at) - '0');
  }
  exponent_ = decimal.point - static_cast<std::int64_t>(decimal.size());
  whole_ = number.is_small() ? static_cast<std::uint64_t>(number.small()) : 0;
  return true;
}

bool Divisor::divides(const Number& number) const {
  if (whole_ != 0 && number.is_small()) {
    const auto magnitude =
        static_cast<std::uint64_t>(number.small() < 0 ? -number.small() : number.small());
    return magnitude % whole_ == 0;
  }
  const SmallText text(number.small());
  const Decimal decimal = number.is_small() ? text.decimal() : number.decimal();
  if (decimal.is_zero()) return true;
  const std::int64_t scale = decimal.point - static_cast<std::int64_t>(decimal.size()) - exponent_;
  // The digits do not end in 0, so they are no multiple of a power of ten.
  if (scale < 0) return false;
  Wide rest = 0;
  for (std::size_t at = 0; at < decimal.size(); ++at) {
    rest = (rest * 10 + static_cast<unsigned>(decimal.digit(at) - '0')) % digits_;
  }
  return rest * power_of_ten(scale, digits_) % digits_ == 0;
}

}  // namespace portcullis::schema
