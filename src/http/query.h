// The parameters of a query: name=value, divided by `&` (WHATWG URL 5.1), as they were sent.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace portcullis::http {

struct Parameter {
  std::string_view text;   // the whole of it
  std::string_view name;   // as sent
  std::string_view value;  // as sent; empty without `=`
};

class ParameterReader {
 public:
  explicit ParameterReader(std::string_view query) : rest_(query) {}
  // Nothing at the end. An empty piece (`a&&b`) comes as one.
  std::optional<Parameter> next();

 private:
  std::string_view rest_;
  bool more_ = true;
};

// The octets that `%` stands for are put in their place; a `%` without two digits stays what it is.
// `+` is no space here: that is a convention of forms, and keys may have one.
[[nodiscard]] std::string decode_percent(std::string_view text);

// Whether a name as sent is `name`, however it was spelled.
[[nodiscard]] bool is_named(const Parameter& parameter, std::string_view name);

}  // namespace portcullis::http
