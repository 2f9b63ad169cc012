// Reading JSON (RFC 8259) strictly and within bounds, into an immutable document of our own.
//
// Stricter than the RFC on purpose, since two readers that disagree about a text are a security
// hole: names repeated in one object are refused (compared after unescaping), as are a byte order
// mark, invalid UTF-8, escaped surrogates without their partner, and integers beyond 64 bits or
// numbers beyond a double (which another reader might round).
#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::json {

struct Bounds {
  std::size_t size = 1024 * 1024;  // bytes of the text; at most 2^31 - 1
  std::uint32_t depth = 32;        // arrays and objects open at once; the outermost counts
};

enum class Kind : std::uint8_t {
  kNull,
  kBoolean,
  kInteger,   // fits int64_t
  kUnsigned,  // above the greatest int64_t; fits uint64_t
  kDouble,
  kString,
  kArray,
  kObject,
};

namespace detail {
struct Node {
  Kind kind = Kind::kNull;
  std::uint32_t count = 0;  // bytes of a string, elements of an array, members of an object
  union {
    std::int64_t integer = 0;
    std::uint64_t bits;  // unsigned; boolean; offset of a string; nodes in a container, itself too
    double real;
  };
};
}  // namespace detail

struct Member;

// A value of a Document; borrows from it, costs two pointers to copy.
class Value {
 public:
  [[nodiscard]] Kind kind() const { return node_->kind; }
  [[nodiscard]] bool is_null() const { return kind() == Kind::kNull; }
  [[nodiscard]] bool is_string() const { return kind() == Kind::kString; }
  [[nodiscard]] bool is_array() const { return kind() == Kind::kArray; }
  [[nodiscard]] bool is_object() const { return kind() == Kind::kObject; }
  [[nodiscard]] bool is_number() const {
    return kind() == Kind::kInteger || kind() == Kind::kUnsigned || kind() == Kind::kDouble;
  }

  // Each is empty when the value is of another kind; nothing is converted but integers to double.
  [[nodiscard]] std::optional<bool> as_bool() const;
  [[nodiscard]] std::optional<std::int64_t> as_int64() const;
  [[nodiscard]] std::optional<std::uint64_t> as_uint64() const;
  [[nodiscard]] std::optional<double> as_double() const;  // of any number
  [[nodiscard]] std::optional<std::string_view> as_string() const;

  // Elements of an array, members of an object; 0 for anything else.
  [[nodiscard]] std::size_t size() const;
  // The member of that name; empty when there is none or this is not an object. Linear.
  [[nodiscard]] std::optional<Value> find(std::string_view name) const;

  template <typename Item>
  class Range;
  [[nodiscard]] Range<Value> elements() const;  // empty unless this is an array
  [[nodiscard]] Range<Member> members() const;  // empty unless this is an object

 private:
  friend class Document;
  friend struct Member;
  Value(const detail::Node* node, const char* strings) : node_(node), strings_(strings) {}
  [[nodiscard]] std::string_view text() const { return {strings_ + node_->bits, node_->count}; }
  [[nodiscard]] const detail::Node* next() const {
    const bool container = is_array() || is_object();
    return node_ + (container ? node_->bits : 1);
  }
  const detail::Node* node_;
  const char* strings_;
};

struct Member {
  std::string_view name;
  Value value;

 private:
  template <typename>
  friend class Value::Range;
  static Member at(const detail::Node* node, const char* strings) {
    return {Value(node, strings).text(), Value(node + 1, strings)};
  }
};

// For range-based loops, in the order of the text.
template <typename Item>
class Value::Range {
 public:
  class Iterator {
   public:
    Iterator(const detail::Node* node, const char* strings) : node_(node), strings_(strings) {}
    [[nodiscard]] Item operator*() const {
      if constexpr (requires { Item::at(node_, strings_); }) {
        return Item::at(node_, strings_);
      } else {
        return Value(node_, strings_);
      }
    }
    Iterator& operator++() {
      if constexpr (requires { Item::at(node_, strings_); }) ++node_;  // the name
      node_ = Value(node_, strings_).next();
      return *this;
    }
    [[nodiscard]] bool operator==(const Iterator& other) const { return node_ == other.node_; }

   private:
    const detail::Node* node_;
    const char* strings_;
  };
  [[nodiscard]] Iterator begin() const { return begin_; }
  [[nodiscard]] Iterator end() const { return end_; }

 private:
  friend class Value;
  Range(Iterator begin, Iterator end) : begin_(begin), end_(end) {}
  Iterator begin_;
  Iterator end_;
};

inline Value::Range<Value> Value::elements() const {
  const bool any = is_array();
  return {{node_ + 1, strings_}, {any ? next() : node_ + 1, strings_}};
}

inline Value::Range<Member> Value::members() const {
  const bool any = is_object();
  return {{node_ + 1, strings_}, {any ? next() : node_ + 1, strings_}};
}

// Owns what was read. Moving it keeps its values valid.
class Document {
 public:
  // Errors: kMalformedRequest, kContentTooLarge when a bound is passed. The detail names the rule
  // that was broken and never quotes the text.
  [[nodiscard]] static Result<Document> parse(std::string_view text, const Bounds& bounds = {});

  [[nodiscard]] Value root() const [[clang::lifetimebound]] {
    return {nodes_.data(), strings_.data()};
  }

 private:
  friend class Builder;
  Document() = default;
  std::vector<detail::Node> nodes_;  // depth first; a member is its name's node, then its value's
  std::vector<char> strings_;
};

}  // namespace portcullis::json
