#include "http/query.h"

#include "base/encoding.h"

namespace portcullis::http {

std::optional<Parameter> ParameterReader::next() {
  if (!more_) return std::nullopt;
  const std::size_t end = rest_.find('&');
  Parameter parameter;
  parameter.text = rest_.substr(0, end);
  const std::size_t equals = parameter.text.find('=');
  parameter.name = parameter.text.substr(0, equals);
  if (equals != std::string_view::npos) parameter.value = parameter.text.substr(equals + 1);
  more_ = end != std::string_view::npos;
  if (more_) rest_.remove_prefix(end + 1);
  return parameter;
}

std::string decode_percent(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int octet = percent_octet(text, i);
    if (octet < 0) {
      out.push_back(text[i]);
      continue;
    }
    out.push_back(static_cast<char>(octet));
    i += 2;
  }
  return out;
}

bool is_named(const Parameter& parameter, std::string_view name) {
  if (!parameter.name.contains('%')) return parameter.name == name;
  return decode_percent(parameter.name) == name;
}

}  // namespace portcullis::http
