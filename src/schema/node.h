// A value of a Text with the Text it is of: for reading schemas, where comfort matters and speed
// does not.
#pragma once

#include "schema/text.h"

#include <optional>
#include <string>
#include <string_view>

namespace portcullis::schema {

// Borrows the Text.
class Node {
 public:
  Node(const Text& text, At at) : text_(&text), at_(at) {}

  [[nodiscard]] const Text& text() const { return *text_; }
  [[nodiscard]] At at() const { return at_; }
  [[nodiscard]] Kind kind() const { return text_->kind(at_); }
  [[nodiscard]] bool is(Kind kind_wanted) const { return kind() == kind_wanted; }
  [[nodiscard]] bool is_true() const { return is(Kind::kBoolean) && text_->boolean(at_); }
  [[nodiscard]] bool is_false() const { return is(Kind::kBoolean) && !text_->boolean(at_); }
  // Of a string.
  [[nodiscard]] std::string_view string() const { return text_->string(at_); }
  // Of an array or an object; 0 of anything else.
  [[nodiscard]] std::uint32_t count() const {
    return is(Kind::kArray) || is(Kind::kObject) ? text_->count(at_) : 0;
  }
  // The member of that name, of an object. Linear.
  [[nodiscard]] std::optional<Node> find(std::string_view name) const {
    std::optional<Node> found;
    for_members([&](Node one, Node value) {
      if (one.string() == name) found = value;
    });
    return found;
  }
  // Calls `f(name, value)` for each member of an object, in order.
  template <typename F>
  void for_members(F&& f) const {
    if (!is(Kind::kObject)) return;
    At name = at_ + 1;
    for (std::uint32_t left = text_->count(at_); left > 0; --left) {
      const At value = name + 2;
      name = text_->after(value) + 1;
      f(Node(*text_, value - 2), Node(*text_, value));
    }
  }
  // Calls `f(element)` for each element of an array, in order.
  template <typename F>
  void for_elements(F&& f) const {
    if (!is(Kind::kArray)) return;
    At element = at_ + 1;
    for (std::uint32_t left = text_->count(at_); left > 0; --left) {
      const At one = element;
      element = text_->after(one) + 1;
      f(Node(*text_, one));
    }
  }

 private:
  const Text* text_;
  At at_;
};

// Appends `/` and the token as a JSON Pointer has it (RFC 6901 3).
void append_pointer(std::string& out, std::string_view token);
[[nodiscard]] std::string extend_pointer(std::string_view pointer, std::string_view token);

}  // namespace portcullis::schema
