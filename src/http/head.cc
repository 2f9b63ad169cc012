#include "http/head.h"

#include "base/ascii.h"
#include "base/ip.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace portcullis::http {
namespace {

// Token characters to their lower case; everything else to 0 (RFC 9110 5.6.2).
constexpr std::array<char, 256> kTokenLower = [] {
  std::array<char, 256> table{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")) {
    table[static_cast<unsigned char>(c)] = c;
  }
  for (char c = 'A'; c <= 'Z'; ++c)
    table[static_cast<unsigned char>(c)] = static_cast<char>(c + 32);
  return table;
}();

auto malformed(const char* why) { return refuse(ErrorCode::kMalformedRequest, why); }
auto ambiguous(const char* why) { return refuse(ErrorCode::kAmbiguousFraming, why); }

// Reads field lines; what it stands on always ends with CR LF CR LF, so a line's end is always
// found.
class FieldReader {
 public:
  FieldReader(char* at, char* end, std::uint32_t most) : at_(at), end_(end), left_(most) {}

  // False at the empty line.
  Result<bool> next(Field& field) {
    if (*at_ == '\r') {
      if (at_ + 2 != end_ || at_[1] != '\n') return malformed("bare CR");
      return false;
    }
    if (is_blank(*at_)) return malformed("line folding or whitespace before a field name");
    if (left_ == 0) return refuse(ErrorCode::kHeadTooLarge, "too many fields");
    --left_;
    char* const name = at_;
    char lower = 0;
    while ((lower = kTokenLower[static_cast<unsigned char>(*at_)]) != 0) *at_++ = lower;
    if (*at_ != ':')
      return malformed(at_ == name ? "empty field name"
                                   : "character that may not stand in a field name");
    if (at_ == name) return malformed("empty field name");
    field.name = {name, static_cast<std::size_t>(at_ - name)};
    ++at_;
    while (is_blank(*at_)) ++at_;
    const char* const value = at_;
    const char* stop = find_control(at_, end_);
    if (*stop != '\r' || stop[1] != '\n') return malformed("control character in a field value");
    at_ += stop - at_ + 2;
    while (stop > value && is_blank(stop[-1])) --stop;
    field.value = {value, static_cast<std::size_t>(stop - value)};
    field.id = identify_field(field.name);
    return true;
  }

 private:
  char* at_;
  char* end_;
  std::uint32_t left_;
};

// Framing fields, the same on both sides (RFC 9112 6).
struct Framing {
  bool has_length = false;
  std::uint64_t length = 0;
  bool chunked = false;
  bool close = false;
  bool keep_alive = false;

  Result<void> see(const Field& field) {
    switch (field.id) {
      case FieldId::kContentLength: {
        if (has_length) return ambiguous("more than one Content-Length");
        PC_TRY(length, parse_content_length(field.value));
        has_length = true;
        return {};
      }
      case FieldId::kTransferEncoding:
        if (chunked) return ambiguous("more than one Transfer-Encoding");
        if (!equals_ignoring_case(field.value, "chunked")) {
          // A proper list of other codings is merely not implemented (RFC 9112 6.1); all else is a
          // trick.
          bool proper = !field.value.empty();
          bool has_chunked = false;
          for_each_element(field.value, [&](std::string_view coding) {
            proper = proper && is_token(coding);
            has_chunked = has_chunked || equals_ignoring_case(coding, "chunked");
          });
          if (!proper || has_chunked)
            return ambiguous("Transfer-Encoding is not exactly `chunked`");
          return refuse(ErrorCode::kNotImplemented, "transfer coding that is not supported");
        }
        chunked = true;
        return {};
      case FieldId::kConnection: {
        bool proper = true;
        for_each_element(field.value, [&](std::string_view option) {
          proper = proper && is_token(option);
          close = close || equals_ignoring_case(option, "close");
          keep_alive = keep_alive || equals_ignoring_case(option, "keep-alive");
        });
        if (!proper) return malformed("Connection is not a list of tokens");
        return {};
      }
      default:
        return {};
    }
  }

  [[nodiscard]] Result<void> settle(Version version) const {
    if (!chunked) return {};
    if (has_length) return ambiguous("Transfer-Encoding beside Content-Length");
    if (version == Version::kHttp10) return ambiguous("Transfer-Encoding in HTTP/1.0");
    return {};
  }

  [[nodiscard]] bool persists(Version version) const {
    return !close && (version == Version::kHttp11 || keep_alive);
  }
};

Result<Version> parse_version(std::string_view text) {
  if (text == "HTTP/1.1") return Version::kHttp11;
  if (text == "HTTP/1.0") return Version::kHttp10;
  const bool shaped = text.size() == 8 && text.starts_with("HTTP/") && text[5] >= '0' &&
                      text[5] <= '9' && text[6] == '.' && text[7] >= '0' && text[7] <= '9';
  if (!shaped) return malformed("protocol version is malformed");
  return refuse(ErrorCode::kVersionNotSupported, "protocol version is not supported");
}

struct Target {
  std::string_view path;
  std::string_view query;
  bool has_query = false;
  std::optional<std::string_view> authority;  // of the absolute form
};

// RFC 9112 3.2, for every method but CONNECT.
Result<Target> parse_target(std::string_view text, Method method) {
  Target target;
  if (text == "*") {
    if (method != Method::kOptions)
      return refuse(ErrorCode::kMalformedPath, "asterisk-form without OPTIONS");
    target.path = text;
    return target;
  }
  if (text.front() != '/') {
    const std::size_t scheme = text.find("://");
    if (scheme == std::string_view::npos ||
        (!equals_ignoring_case(text.substr(0, scheme), "http") &&
         !equals_ignoring_case(text.substr(0, scheme), "https"))) {
      return refuse(ErrorCode::kMalformedPath,
                    "request target is neither origin-form nor absolute-form");
    }
    text.remove_prefix(scheme + 3);
    const std::size_t end = text.find_first_of("/?");
    target.authority = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end);
  }
  const std::size_t question = text.find('?');
  target.path = text.substr(0, question);
  if (target.path.empty()) target.path = "/";
  if (question != std::string_view::npos) {
    target.has_query = true;
    target.query = text.substr(question + 1);
  }
  return target;
}

// Whether the letters of `name` are those of a framing field.
bool spells_framing(std::string_view name) {
  constexpr std::string_view kLength = "contentlength";
  constexpr std::string_view kCoding = "transferencoding";
  if (name.size() < kLength.size()) return false;
  std::string_view left = name.contains('f') ? kCoding : kLength;
  for (const char c : name) {
    if (c < 'a' || c > 'z') continue;
    if (!left.starts_with(c)) return false;
    left.remove_prefix(1);
  }
  return left.empty();
}

// RFC 9110 7.8: whoever asks for an upgrade says so in Connection too; else the field is void.
std::string_view offered_protocols(const Fields& fields, Arena& arena) {
  bool asked = false;
  std::size_t size = 0;
  for (const Field& field : fields) {
    if (field.id == FieldId::kUpgrade) size += field.value.size() + 2;
    if (field.id != FieldId::kConnection) continue;
    for_each_element(field.value, [&](std::string_view option) {
      asked = asked || equals_ignoring_case(option, "upgrade");
    });
  }
  if (!asked) return {};
  if (fields.count(FieldId::kUpgrade) == 1) return fields.find(FieldId::kUpgrade)->value;
  char* const list = arena.array<char>(size);
  char* end = list;
  for (const Field& field : fields) {
    if (field.id != FieldId::kUpgrade) continue;
    end = std::ranges::copy(field.value, end).out;
    end = std::ranges::copy(std::string_view(", "), end).out;
  }
  return {list, static_cast<std::size_t>(end - list)};
}

Result<void> read_request_fields(FieldReader& reader, Version version, Arena& arena,
                                 Request& request, HeadFacts& facts) {
  Framing framing;
  std::string_view expect;
  Field field;
  for (;;) {
    PC_TRY(const bool more, reader.next(field));
    if (!more) break;
    PC_CHECK_OK(framing.see(field));
    if (field.id == FieldId::kHost && request.fields.find(FieldId::kHost) != nullptr) {
      return refuse(ErrorCode::kMalformedHost, "more than one Host");
    }
    if (field.id == FieldId::kExpect) expect = field.value;
    if (imitates_framing(field)) return ambiguous("field that imitates a framing field");
    request.fields.add(field);
  }
  PC_CHECK_OK(framing.settle(version));
  const Field* host = request.fields.find(FieldId::kHost);
  if (host == nullptr && version == Version::kHttp11) {
    return refuse(ErrorCode::kMalformedHost, "HTTP/1.1 without Host");
  }
  if (host != nullptr) {
    PC_TRY(const Authority authority, parse_authority(host->value, arena));
    request.authority = authority.whole;
    request.host = authority.host;
  }
  if (!expect.empty() && version == Version::kHttp11) {
    if (!equals_ignoring_case(expect, "100-continue")) {
      return refuse(ErrorCode::kExpectationFailed, "expectation that is not `100-continue`");
    }
    request.expects_continue = true;
  }
  // RFC 9110 7.8: HTTP/1.0 has no upgrades.
  if (request.fields.find(FieldId::kUpgrade) != nullptr && version == Version::kHttp11) [[unlikely]]
    request.upgrade = offered_protocols(request.fields, arena);
  facts.keep_alive = framing.persists(version);
  facts.chunked = framing.chunked;
  request.content_length = framing.length;
  request.body = framing.chunked                            ? BodyKind::kUnknown
                 : framing.has_length && framing.length > 0 ? BodyKind::kLength
                                                            : BodyKind::kNone;
  return {};
}

Error as_upstream(Error error) {
  return {ErrorCode::kUpstreamBroken, ErrorSource::kUpstream, std::move(error.detail), {}};
}

}  // namespace

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return kTokenLower[static_cast<unsigned char>(c)] != 0;
  });
}

bool is_lower_token(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return c != 0 && kTokenLower[static_cast<unsigned char>(c)] == c;
  });
}

Result<std::uint64_t> parse_content_length(std::string_view text) {
  // Nineteen digits cannot overflow.
  if (text.empty() || text.size() > 19) return ambiguous("Content-Length is empty or too long");
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return ambiguous("Content-Length is not a number");
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

bool imitates_framing(const Field& field) noexcept {
  return field.id == FieldId::kOther && spells_framing(field.name);
}

bool may_stand_in_trailers(const Field& field) noexcept {
  switch (field.id) {
    case FieldId::kOther:
    case FieldId::kDate:
    case FieldId::kServer:
    case FieldId::kVia:
      return true;
    default:
      return false;
  }
}

Result<std::optional<std::size_t>> HeadScanner::scan(std::string_view bytes) {
  // RFC 8446 5.1: a record of type `handshake`, which has no line's end to wait for.
  if (bytes.starts_with('\x16')) return malformed("a TLS handshake where clear text is spoken");
  while (next_ < bytes.size()) {
    const auto* feed =
        static_cast<const char*>(std::memchr(bytes.data() + next_, '\n', bytes.size() - next_));
    if (feed == nullptr) {
      next_ = bytes.size();
      break;
    }
    const auto at = static_cast<std::size_t>(feed - bytes.data());
    if (at == 0 || bytes[at - 1] != '\r') return malformed("line that ends without CR");
    // An empty line before the first line is skipped by the caller; any other one ends the head.
    if (at - 1 == line_start_ && line_start_ > 0) return at + 1;
    line_start_ = next_ = at + 1;
    if (first_line_size_ == 0) first_line_size_ = line_start_;
  }
  return std::nullopt;
}

Result<Authority> parse_authority(std::string_view text, Arena& arena) {
  const auto bad = [] { return refuse(ErrorCode::kMalformedHost, "host is malformed"); };
  if (text.empty() || text.size() > 300) return bad();
  bool upper = false;
  std::size_t host_size = 0;
  if (text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return bad();
    const auto six = IpAddress::parse(text.substr(1, close - 1));
    if (!six || !text.substr(1, close - 1).contains(':')) return bad();
    upper = std::ranges::any_of(text, [](char c) { return c >= 'A' && c <= 'F'; });
    host_size = close + 1;
  } else {
    for (; host_size < text.size() && text[host_size] != ':'; ++host_size) {
      const char c = text[host_size];
      const bool capital = c >= 'A' && c <= 'Z';
      if (!capital && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.' &&
          c != '_') {
        return bad();
      }
      upper = upper || capital;
    }
    if (host_size == 0 || text.front() == '.' || text.substr(0, host_size).contains(".."))
      return bad();
  }
  if (host_size < text.size()) {
    const std::string_view port = text.substr(host_size + 1);
    unsigned number = 0;
    if (text[host_size] != ':' || port.empty() || port.size() > 5) return bad();
    for (const char c : port) {
      if (c < '0' || c > '9') return bad();
      number = number * 10 + static_cast<unsigned>(c - '0');
    }
    if (number > 65535) return bad();
  }
  if (upper) {
    char* lower = arena.array<char>(text.size());
    std::ranges::transform(text, lower, to_lower);
    text = {lower, text.size()};
  }
  return Authority{text, text.substr(0, host_size)};
}

Result<HeadFacts> parse_request_head(std::span<char> head, const HeadLimits& limits,
                                     const PathRules& paths, Arena& arena, Request& request) {
  HeadFacts facts;
  char* const end = head.data() + head.size();
  const std::string_view text(head.data(), head.size());
  const std::string_view line = text.substr(0, text.find("\r\n"));

  // RFC 9112 3: method SP request-target SP HTTP-version, with single spaces and nothing else.
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || last == first)
    return malformed("request line is malformed");
  request.method_text = line.substr(0, first);
  if (!is_token(request.method_text) || request.method_text.size() > 32)
    return malformed("method is malformed");
  request.method = parse_method(request.method_text);
  const std::string_view target_text = line.substr(first + 1, last - first - 1);
  if (target_text.empty() || target_text.contains(' '))
    return malformed("request line is malformed");
  PC_TRY(facts.version, parse_version(line.substr(last + 1)));
  if (request.method == Method::kConnect)
    return refuse(ErrorCode::kNotImplemented, "CONNECT is not supported");

  PC_TRY(const Target target, parse_target(target_text, request.method));
  // `*` is the server as a whole (RFC 9112 3.2.4), which no route is.
  if (target.path == "*") {
    request.path = target.path;
  } else {
    PC_TRY(request.path, canonical_path(target.path, paths, arena));
  }
  if (target.has_query) PC_CHECK_OK(check_query(target.query, limits.arguments));
  request.query = target.query;
  request.has_query = target.has_query;

  FieldReader reader(head.data() + line.size() + 2, end, limits.fields);
  PC_CHECK_OK(read_request_fields(reader, facts.version, arena, request, facts));
  // RFC 9112 3.2.2: the absolute form wins over Host.
  if (target.authority) {
    PC_TRY(const Authority authority, parse_authority(*target.authority, arena));
    request.authority = authority.whole;
    request.host = authority.host;
  }
  return facts;
}

Result<HeadFacts> parse_response_head(std::span<char> head, const HeadLimits& limits, Method to,
                                      Response& response) {
  const auto broken = [](const char* why) {
    return fail(ErrorCode::kUpstreamBroken, why, ErrorSource::kUpstream);
  };
  HeadFacts facts;
  const std::string_view text(head.data(), head.size());
  const std::string_view line = text.substr(0, text.find("\r\n"));

  // RFC 9112 4: HTTP-version SP 3DIGIT SP [reason]; the last space is often missing and nothing
  // depends on it.
  const bool shaped = line.size() >= 12 && line[8] == ' ' &&
                      (line.size() == 12 || line[12] == ' ') && is_field_value(line);
  if (!shaped) return broken("status line is malformed");
  if (line.starts_with("HTTP/1.1")) {
    facts.version = Version::kHttp11;
  } else if (line.starts_with("HTTP/1.0")) {
    facts.version = Version::kHttp10;
  } else {
    return broken("protocol version is not supported");
  }
  for (const char c : line.substr(9, 3)) {
    if (c < '0' || c > '9') return broken("status code is malformed");
    response.status = response.status * 10 + (c - '0');
  }
  if (response.status < 100 || response.status > 599) return broken("status code is out of range");

  Framing framing;
  FieldReader reader(head.data() + line.size() + 2, head.data() + head.size(), limits.fields);
  Field field;
  for (;;) {
    const Result<bool> more = reader.next(field);
    if (!more) return std::unexpected(as_upstream(more.error()));
    if (!*more) break;
    if (const Result<void> seen = framing.see(field); !seen)
      return std::unexpected(as_upstream(seen.error()));
    response.fields.add(field);
  }
  if (const Result<void> settled = framing.settle(facts.version); !settled) {
    return std::unexpected(as_upstream(settled.error()));
  }
  facts.keep_alive = framing.persists(facts.version);
  facts.chunked = framing.chunked;
  response.content_length = framing.length;
  // RFC 9112 6.3.
  if (to == Method::kHead || response.status < 200 || response.status == 204 ||
      response.status == 304) {
    response.body = BodyKind::kNone;
  } else if (framing.chunked) {
    response.body = BodyKind::kUnknown;
  } else if (framing.has_length) {
    response.body = framing.length > 0 ? BodyKind::kLength : BodyKind::kNone;
  } else {
    response.body = BodyKind::kUnknown;  // until the connection ends
    facts.keep_alive = false;
  }
  return facts;
}

Result<void> parse_trailers(std::span<char> section, std::uint32_t most_fields, Fields& trailers) {
  FieldReader reader(section.data(), section.data() + section.size(), most_fields);
  Field field;
  for (;;) {
    PC_TRY(const bool more, reader.next(field));
    if (!more) return {};
    if (!may_stand_in_trailers(field)) return malformed("field that may not stand in trailers");
    trailers.add(field);
  }
}

}  // namespace portcullis::http
