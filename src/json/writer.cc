#include "json/writer.h"

#include "base/json_text.h"
#include "json/value.h"

#include <charconv>
#include <cmath>

namespace portcullis::json {
namespace {

template <typename Number>
void append_chars(std::string& out, Number number) {
  char buffer[32];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, number);
  out.append(buffer, result.ptr);
}

}  // namespace

void append_number(std::string& out, std::int64_t number) { append_chars(out, number); }
void append_number(std::string& out, std::uint64_t number) { append_chars(out, number); }

void append_number(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out.append("null");
    return;
  }
  const std::size_t begin = out.size();
  append_chars(out, number);
  // Digits alone would read back as an integer: minus zero as zero, 2^64 as out of range.
  if (out.find_first_of(".e", begin) == std::string::npos) out.append(".0");
}

void append_value(std::string& out, Value value) {
  switch (value.kind()) {
    case Kind::kNull:
      out.append("null");
      return;
    case Kind::kBoolean:
      out.append(value.as_bool().value_or(false) ? "true" : "false");
      return;
    case Kind::kInteger:
      append_number(out, value.as_int64().value_or(0));
      return;
    case Kind::kUnsigned:
      append_number(out, value.as_uint64().value_or(0));
      return;
    case Kind::kDouble:
      append_number(out, value.as_double().value_or(0));
      return;
    case Kind::kString:
      append_json_string(out, value.as_string().value_or(""));
      return;
    case Kind::kArray: {
      char before = '[';
      for (const Value element : value.elements()) {
        out.push_back(before);
        append_value(out, element);
        before = ',';
      }
      out.append(before == '[' ? "[]" : "]");
      return;
    }
    case Kind::kObject: {
      char before = '{';
      for (const Member member : value.members()) {
        out.push_back(before);
        append_json_string(out, member.name);
        out.push_back(':');
        append_value(out, member.value);
        before = ',';
      }
      out.append(before == '{' ? "{}" : "}");
      return;
    }
  }
}

Writer& Writer::key(std::string_view name) {
  separate();
  out_.push_back('"');
  out_.append(name);
  out_.append("\":");
  comma_ = false;
  return *this;
}

Writer& Writer::escaped_key(std::string_view name) {
  separate();
  append_json_string(out_, name);
  out_.push_back(':');
  comma_ = false;
  return *this;
}

Writer& Writer::string(std::string_view text) {
  separate();
  append_json_string(out_, text);
  return *this;
}

Writer& Writer::number(std::int64_t value) {
  separate();
  append_number(out_, value);
  return *this;
}

Writer& Writer::number(std::uint64_t value) {
  separate();
  append_number(out_, value);
  return *this;
}

Writer& Writer::number(double value) {
  separate();
  append_number(out_, value);
  return *this;
}

Writer& Writer::boolean(bool value) { return raw(value ? "true" : "false"); }
Writer& Writer::null() { return raw("null"); }

Writer& Writer::value(Value value) {
  separate();
  append_value(out_, value);
  return *this;
}

Writer& Writer::raw(std::string_view text) {
  separate();
  out_.append(text);
  return *this;
}

}  // namespace portcullis::json
