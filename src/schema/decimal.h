// Numbers of JSON as what they are: decimals of any length, compared and divided exactly. Nothing
// is ever a double.
#pragma once

#include "schema/text.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace portcullis::schema {

// 0.DDD... x 10^point, where neither the first nor the last D is 0; without any D it is zero.
// Borrows the text that it was made of.
struct Decimal {
  // `text` is a number of JSON.
  static Decimal of(std::string_view text);

  [[nodiscard]] std::size_t size() const { return head.size() + tail.size(); }
  [[nodiscard]] bool is_zero() const { return head.empty() && tail.empty(); }
  [[nodiscard]] char digit(std::size_t at) const {
    return at < head.size() ? head[at] : tail[at - head.size()];
  }
  [[nodiscard]] bool is_integer() const { return point >= static_cast<std::int64_t>(size()); }

  std::string_view head;  // the Ds: those before the decimal point, and those behind it
  std::string_view tail;
  std::int64_t point = 0;
  bool negative = false;
};

// Below, equal or above: -1, 0 or 1.
[[nodiscard]] int compare(const Decimal& a, const Decimal& b);

// A number of an instance or a schema: small, or as its text says.
class Number {
 public:
  // Of a value that is a number; borrows the text.
  static Number at(const Text& text, At at) {
    return text.is_small(at) ? Number(text.small(at)) : Number(text.number(at));
  }
  explicit Number(std::int64_t small) : small_(small) {}
  // A number of JSON. Integers of up to 18 digits become small, however they are written.
  explicit Number(std::string_view text);

  [[nodiscard]] bool is_small() const { return is_small_; }
  [[nodiscard]] std::int64_t small() const { return small_; }
  [[nodiscard]] bool is_integer() const { return is_small_ || decimal_.is_integer(); }
  // Without its fraction, towards 0; nothing when that has more than 18 digits.
  [[nodiscard]] std::optional<std::int64_t> whole_part() const;
  // Unless small.
  [[nodiscard]] const Decimal& decimal() const { return decimal_; }

 private:
  Decimal decimal_;
  bool is_small_ = true;
  std::int64_t small_ = 0;
};

[[nodiscard]] int compare(const Number& a, const Number& b);
[[nodiscard]] inline bool is_less(const Number& a, const Number& b) { return compare(a, b) < 0; }

// What numbers may have to be multiples of: above 0, of up to 18 digits that matter.
class Divisor {
 public:
  // False when `number` cannot be one.
  [[nodiscard]] bool set(const Number& number);
  [[nodiscard]] bool divides(const Number& number) const;

 private:
  std::uint64_t digits_ = 1;  // x 10^exponent_; does not end in 0
  std::int64_t exponent_ = 0;
  std::uint64_t whole_ = 0;  // the same when it is an integer of 18 digits; else 0
};

}  // namespace portcullis::schema
