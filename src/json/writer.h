// Writing JSON by appending to a string that the caller owns. Nothing is allocated but by that
// string's growth, so a reused buffer costs no allocation: the access log's lines are made so.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace portcullis::json {

class Value;

void append_number(std::string& out, std::int64_t number);
void append_number(std::string& out, std::uint64_t number);
// The shortest text that reads back as the same double, not as an integer; `null` for what JSON
// cannot say (NaN, infinities).
void append_number(std::string& out, double number);
// A value that was read, without whitespace, its members in their order.
void append_value(std::string& out, Value value);

// Puts the commas. The caller closes what it opens and gives a key before each value of an object;
// neither is checked. Methods return the writer, for chains.
class Writer {
 public:
  explicit Writer(std::string& out [[clang::lifetimebound]]) : out_(out) {}

  Writer& begin_object() { return open('{'); }
  Writer& end_object() { return close('}'); }
  Writer& begin_array() { return open('['); }
  Writer& end_array() { return close(']'); }
  // A name that comes from the code: must need no escaping.
  Writer& key(std::string_view name);
  // A name that comes from anywhere else.
  Writer& escaped_key(std::string_view name);

  Writer& string(std::string_view text);
  Writer& number(std::int64_t value);
  Writer& number(std::uint64_t value);
  Writer& number(int value) { return number(static_cast<std::int64_t>(value)); }
  Writer& number(unsigned value) { return number(static_cast<std::uint64_t>(value)); }
  Writer& number(double value);
  Writer& boolean(bool value);
  Writer& null();
  Writer& value(Value value);
  // JSON text that is already made.
  Writer& raw(std::string_view text);

  // A key and its value.
  Writer& field(std::string_view name, std::string_view text) { return key(name).string(text); }
  Writer& field(std::string_view name, const char* text) { return key(name).string(text); }
  Writer& field(std::string_view name, std::int64_t value) { return key(name).number(value); }
  Writer& field(std::string_view name, std::uint64_t value) { return key(name).number(value); }
  Writer& field(std::string_view name, int value) { return key(name).number(value); }
  Writer& field(std::string_view name, unsigned value) { return key(name).number(value); }
  Writer& field(std::string_view name, double value) { return key(name).number(value); }
  Writer& field(std::string_view name, bool value) { return key(name).boolean(value); }

 private:
  void separate() {
    if (comma_) out_.push_back(',');
    comma_ = true;
  }
  Writer& open(char bracket) {
    separate();
    out_.push_back(bracket);
    comma_ = false;
    return *this;
  }
  Writer& close(char bracket) {
    out_.push_back(bracket);
    comma_ = true;
    return *this;
  }

  std::string& out_;
  bool comma_ = false;
};

}  // namespace portcullis::json
