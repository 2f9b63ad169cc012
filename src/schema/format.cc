#include "schema/format.h"

#include "schema/format_rules.h"
#include "schema/regex_syntax.h"

#include <algorithm>

namespace portcullis::schema {

namespace {

// In the order of the enumeration.
constexpr std::string_view kNames[] = {
    "date-time",
    "date",
    "time",
    "duration",
    "email",
    "idn-email",
    "hostname",
    "idn-hostname",
    "ipv4",
    "ipv6",
    "uri",
    "uri-reference",
    "iri",
    "iri-reference",
    "uri-template",
    "json-pointer",
    "relative-json-pointer",
    "uuid",
    "regex",
    "int32",
    "int64",
    "float",
    "double",
    "byte",
    "binary",
    "password",
};

}  // namespace

std::optional<Format> find_format(std::string_view name) {
  const auto* const found = std::ranges::find(kNames, name);
  if (found == std::end(kNames)) return std::nullopt;
  return static_cast<Format>(found - std::begin(kNames));
}

std::string_view name_of(Format format) { return kNames[static_cast<std::size_t>(format)]; }

bool matches_format(Format format, std::string_view utf8) {
  switch (format) {
    case Format::kDateTime:
      return is_date_time(utf8);
    case Format::kDate:
      return is_date(utf8);
    case Format::kTime:
      return is_time(utf8);
    case Format::kDuration:
      return is_duration(utf8);
    case Format::kEmail:
      return is_email(utf8, Script::kAscii);
    case Format::kIdnEmail:
      return is_email(utf8, Script::kInternational);
    case Format::kHostname:
      return is_hostname(utf8, Script::kAscii);
    case Format::kIdnHostname:
      return is_hostname(utf8, Script::kInternational);
    case Format::kIpv4:
      return is_ipv4(utf8);
    case Format::kIpv6:
      return is_ipv6(utf8);
    case Format::kUri:
      return is_uri(utf8, Script::kAscii, Reference::kAbsolute);
    case Format::kUriReference:
      return is_uri(utf8, Script::kAscii, Reference::kAny);
    case Format::kIri:
      return is_uri(utf8, Script::kInternational, Reference::kAbsolute);
    case Format::kIriReference:
      return is_uri(utf8, Script::kInternational, Reference::kAny);
    case Format::kUriTemplate:
      return is_uri_template(utf8);
    case Format::kJsonPointer:
      return is_json_pointer(utf8);
    case Format::kRelativeJsonPointer:
      return is_relative_json_pointer(utf8);
    case Format::kUuid:
      return is_uuid(utf8);
    case Format::kRegex:
      return parse_regex(utf8, RegexGrammar::kUnicode).has_value();
    case Format::kByte:
      return is_base64(utf8);
    case Format::kInt32:
    case Format::kInt64:
    case Format::kFloat:
    case Format::kDouble:
    case Format::kBinary:
    case Format::kPassword:
      return true;
  }
  return true;
}

}  // namespace portcullis::schema
