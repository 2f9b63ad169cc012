// A JSON text (RFC 8259), read strictly and in place: simdjson finds where tokens begin, one walk
// over those places checks all of the grammar and notes what a validator wants to know of each. No
// tree is built; a value is the number of its token.
//
// Stricter than the RFC on purpose, since two readers that disagree about a text are a security
// hole: a byte order mark, invalid UTF-8, escaped surrogates without their partner and names that
// are repeated in one object (compared after unescaping) are refused. Numbers are never converted
// but for integers of up to 18 digits: what they are is their text.
#pragma once

#include "base/result.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace portcullis::schema {

enum class Kind : std::uint8_t { kNull, kBoolean, kNumber, kString, kArray, kObject };
inline constexpr std::size_t kKinds = 6;

namespace detail {
// What a value is, by its first byte; of a token that begins no value, nothing is asked.
inline constexpr std::array<Kind, 256> kKindOf = [] {
  std::array<Kind, 256> all{};
  all.fill(Kind::kNumber);
  all['n'] = Kind::kNull;
  all['t'] = Kind::kBoolean;
  all['f'] = Kind::kBoolean;
  all['"'] = Kind::kString;
  all['['] = Kind::kArray;
  all['{'] = Kind::kObject;
  return all;
}();
}  // namespace detail

struct Bounds {
  std::size_t size = 1024 * 1024;           // bytes of the text; at most 2^31 - 1
  std::uint32_t depth = 64;                 // arrays and objects open at once; at most 512
  std::uint32_t string_bytes = 256 * 1024;  // of one string or name, as it is written
  std::uint32_t number_chars = 512;         // of one number, as it is written
  std::uint32_t properties = 4096;          // of one object
};

// A token of a Text, by its number. A value is its first token; the name of a member is a token
// too, and its value is the one two further on (the colon is between).
using At = std::uint32_t;

// Of a name: equal names have equal hashes, in every Text. Not keyed: nothing whose cost an
// attacker could choose may depend on it alone.
[[nodiscard]] std::uint32_t name_hash(std::string_view name) noexcept;

class Text {
 public:
  Text();
  Text(Text&&) noexcept;
  Text& operator=(Text&&) noexcept;
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;
  ~Text();

  // Borrows `text` until the next read(), and keeps its memory for that one: with a Text that is
  // warm nothing is allocated. Errors: kMalformedRequest; kContentTooLarge when a bound is passed.
  // The detail names the rule that was broken and never quotes the text. After an error the Text
  // must not be asked anything.
  [[nodiscard]] Result<void> read(std::string_view text, const Bounds& bounds = {});

  [[nodiscard]] static constexpr At root() { return 0; }
  [[nodiscard]] std::uint32_t tokens() const { return tokens_; }
  // Where a token begins in the text, in bytes.
  [[nodiscard]] std::uint32_t offset(At at) const { return places_[at]; }

  [[nodiscard]] Kind kind(At at) const {
    return detail::kKindOf[static_cast<unsigned char>(byte(at))];
  }
  [[nodiscard]] bool is(At at, Kind kind_wanted) const { return kind(at) == kind_wanted; }
  [[nodiscard]] bool boolean(At at) const { return byte(at) == 't'; }

  // Numbers: an integer of up to 18 digits without fraction or exponent is small.
  [[nodiscard]] bool is_small(At at) const { return (notes_[at] & 1) == 0; }
  [[nodiscard]] std::int64_t small(At at) const {
    return static_cast<std::int64_t>(notes_[at]) >> 1;
  }
  // Any number as it is written.
  [[nodiscard]] std::string_view number(At at) const { return token(at); }
  // Any value as it is written.
  [[nodiscard]] std::string_view raw(At at) const;

  // Of a string or name, unescaped.
  [[nodiscard]] std::string_view string(At at) const {
    const auto low = static_cast<std::uint32_t>(notes_[at]);
    if ((low & 1) != 0) [[unlikely]]
      return unescaped(low >> 1);
    return {text_ + places_[at] + 1, low >> 1};
  }
  // Of a name only.
  [[nodiscard]] std::uint32_t hash(At name) const {
    return static_cast<std::uint32_t>(notes_[name] >> 32);
  }

  // Arrays and objects. In a loop over `count` elements, the first is `at + 1` and the next after
  // `element` is `after(element) + 1`; over members, the first name is `at + 1` and the next is
  // `after(name + 2) + 1`.
  [[nodiscard]] std::uint32_t count(At at) const {
    return static_cast<std::uint32_t>(notes_[at] >> 32);
  }
  // The token behind a value.
  [[nodiscard]] At after(At at) const {
    const char c = byte(at);
    return c == '{' || c == '[' ? static_cast<At>(notes_[at]) + 1 : at + 1;
  }

 private:
  friend class TextReader;
  struct Engine;
  [[nodiscard]] char byte(At at) const { return text_[places_[at]]; }
  // Up to the next token, without the blanks before that.
  [[nodiscard]] std::string_view token(At at) const;
  [[nodiscard]] std::string_view unescaped(std::uint32_t offset) const;

  const char* text_ = nullptr;
  const std::uint32_t* places_ = nullptr;  // of each token, and one more: the size of the text
  std::uint32_t tokens_ = 0;
  // For each token. An opening bracket: its closing one, and how many are within (upper half). A
  // string: its length and 0, or where it is in `unescaped_` and 1 (lowest bit); its hash (upper
  // half) when it is a name. A number: its value and 0, or 1.
  std::vector<std::uint64_t> notes_;
  std::vector<char> unescaped_;  // strings that had escapes, each after its length
  std::unique_ptr<Engine> engine_;
};

}  // namespace portcullis::schema
