#include "config/scalars.h"

#include "base/ascii.h"
#include "config/contains.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <set>
#include <utility>

namespace portcullis::config {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_alnum(char c) { return is_digit(c) || is_alpha(c); }

// A number of units: "10m" with {"m", 60000} is 600000. Nothing when it exceeds `most`.
struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

std::optional<std::uint64_t> parse_units(std::string_view text, const Unit* units,
                                         std::size_t count, std::uint64_t most) {
  const auto digits = static_cast<std::size_t>(std::ranges::find_if_not(text, is_digit) -  //
                                               text.begin());
  const std::string_view name = text.substr(digits);
  const auto number = parse_number(text.substr(0, digits));
  if (!number) return std::nullopt;
  for (std::size_t i = 0; i < count; ++i) {
    if (units[i].name != name) continue;
    if (*number > most / units[i].factor) return std::nullopt;
    return *number * units[i].factor;
  }
  return std::nullopt;
}

constexpr std::uint64_t kDay = 86'400'000;
constexpr std::array kTimeUnits = {Unit{"ms", 1}, Unit{"s", 1000}, Unit{"m", 60'000},
                                   Unit{"h", 3'600'000}, Unit{"d", kDay}};
constexpr std::array kSizeUnits = {Unit{"", 1}, Unit{"KiB", 1ULL << 10}, Unit{"MiB", 1ULL << 20},
                                   Unit{"GiB", 1ULL << 30}};

// unreserved, sub-delims without `;` and `*`, `:` and `@` (RFC 3986 3.3). Escapes are left out:
// paths are compared in their decoded form.
bool is_path_character(char c) {
  return is_alnum(c) || std::string_view("-._~!$&'()+,=:@").contains(c);
}

std::string segment_problem(std::string_view segment) {
  if (segment == "." || segment == "..") return "a segment may not be `.` or `..`";
  if (segment.starts_with(':')) return "a parameter is written `{id}`";
  for (const char c : segment) {
    if (c == '*')
      return "there are no wildcards: `{name}` takes one segment, and `{name...}` at the end takes "
             "all that is left";
    if (c == '%') return "write the character itself, not its `%` escape";
    if (!is_path_character(c))
      return std::string("the character `") + (c > 0x20 && c < 0x7f ? c : '?') +
             "` is not allowed in a path";
  }
  return {};
}

std::string parameter_problem(std::string_view segment, bool last,
                              std::set<std::string_view>& names) {
  if (!segment.starts_with('{') || !segment.ends_with('}'))
    return "a parameter such as `{id}` takes a whole segment";
  std::string_view name = segment.substr(1, segment.size() - 2);
  if (name.ends_with("...")) {
    if (!last)
      return "`" + std::string(segment) + "` takes the rest of a path: it must be the last";
    name.remove_suffix(3);
  }
  if (!is_name(name)) return "a parameter's name is letters, digits, `_` and `-`";
  if (!names.insert(name).second)
    return "the parameter `{" + std::string(name) + "}` is there twice: name one otherwise";
  return {};
}

template <typename F>
void each_segment(std::string_view path, F&& visit) {
  while (!path.empty()) {  // begins with a slash
    path.remove_prefix(1);
    const std::size_t end = std::min(path.find('/'), path.size());
    visit(path.substr(0, end), end == path.size());
    path.remove_prefix(end);
  }
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto number = parse_number(text);
  if (!number || *number == 0 || *number > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
  if (text.empty() || text.size() > 18 || !std::ranges::all_of(text, is_digit)) return std::nullopt;
  if (text.size() > 1 && text[0] == '0') return std::nullopt;  // 010 is eight to some readers
  std::uint64_t value = 0;
  for (const char c : text) value = value * 10 + static_cast<std::uint64_t>(c - '0');
  return value;
}

std::optional<milliseconds> parse_duration(std::string_view text) {
  const auto ms = parse_units(text, kTimeUnits.data(), kTimeUnits.size(), 36'525 * kDay);
  if (!ms) return std::nullopt;
  return milliseconds(static_cast<milliseconds::rep>(*ms));
}

std::optional<Rate> parse_rate(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto count = parse_number(text.substr(0, slash));
  const std::string_view per = text.substr(slash + 1);
  if (!count || *count == 0 || *count > 1'000'000'000 || per.empty()) return std::nullopt;
  const auto duration = parse_duration(is_digit(per[0]) ? per : "1" + std::string(per));
  if (!duration || *duration == milliseconds(0)) return std::nullopt;
  return Rate{*count, *duration};
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  return parse_units(text, kSizeUnits.data(), kSizeUnits.size(), 1ULL << 50U);
}

std::string show_duration(std::uint64_t milliseconds) {
  constexpr std::array<std::pair<std::uint64_t, std::string_view>, 4> kUnits = {
      {{86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1000, "s"}}};
  if (milliseconds == 0) return "0s";
  for (const auto& [factor, unit] : kUnits)
    if (milliseconds % factor == 0) return fmt::format("{}{}", milliseconds / factor, unit);
  return fmt::format("{}ms", milliseconds);
}

std::string show_size(std::uint64_t bytes) {
  constexpr std::array<std::pair<std::uint64_t, std::string_view>, 3> kUnits = {
      {{1ULL << 30U, "GiB"}, {1ULL << 20U, "MiB"}, {1ULL << 10U, "KiB"}}};
  for (const auto& [factor, unit] : kUnits)
    if (bytes != 0 && bytes % factor == 0) return fmt::format("{}{}", bytes / factor, unit);
  return fmt::format("{}", bytes);
}

std::optional<std::chrono::sys_seconds> parse_day_end(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  std::array<int, 3> parts{};
  constexpr std::array<std::pair<std::size_t, std::size_t>, 3> kPlaces = {{{0, 4}, {5, 2}, {8, 2}}};
  for (std::size_t i = 0; i < parts.size(); ++i)
    for (const char c : text.substr(kPlaces[i].first, kPlaces[i].second)) {
      if (!is_digit(c)) return std::nullopt;
      parts[i] = parts[i] * 10 + (c - '0');
    }
  const std::chrono::year_month_day date{std::chrono::year(parts[0]),
                                         std::chrono::month(static_cast<unsigned>(parts[1])),
                                         std::chrono::day(static_cast<unsigned>(parts[2]))};
  if (!date.ok() || parts[0] < 1970) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::days(1);
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && text[0] != '-' &&
         std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '_' || c == '-'; });
}

bool is_field_name(std::string_view text) {
  return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, [](char c) {
    return is_alnum(c) || std::string_view("!#$%&'*+-.^_`|~").contains(c);
  });
}

std::optional<std::string> parse_host(std::string_view text) {
  if (text.empty() || text.size() > 253) return std::nullopt;
  std::string host;
  std::size_t label = 0;
  for (const char c : text) {
    if (c == '.') {
      if (label == 0) return std::nullopt;
      label = 0;
    } else if ((!is_alnum(c) && c != '-' && c != '_') || ++label > 63) {
      return std::nullopt;
    }
    host += to_lower(c);
  }
  if (label == 0) return std::nullopt;
  const std::string_view last = std::string_view(host).substr(host.rfind('.') + 1);
  if (std::ranges::all_of(last, is_digit) && !IpAddress::parse(host)) return std::nullopt;
  return host;
}

std::optional<HostPort> parse_host_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    if (!host.contains(':') || !IpAddress::parse(host)) return std::nullopt;
    return HostPort{std::string(host), *port};
  }
  auto name = parse_host(host);
  if (!name) return std::nullopt;
  return HostPort{*std::move(name), *port};
}

std::string base_path_problem(std::string_view path) {
  if (path.empty()) return {};
  if (path[0] != '/') return "must begin with `/`";
  if (path.ends_with('/')) return "must not end with `/`";
  std::string problem;
  each_segment(path, [&](std::string_view segment, bool) {
    if (!problem.empty()) return;
    problem = segment.empty() ? "has an empty segment" : segment_problem(segment);
  });
  return problem;
}

std::string path_template_problem(std::string_view path) {
  if (path.empty() || path[0] != '/') return "must begin with `/`";
  std::string problem;
  std::set<std::string_view> names;
  each_segment(path, [&](std::string_view segment, bool last) {
    if (!problem.empty()) return;
    if (segment.empty()) {
      if (!last) problem = "has an empty segment";
    } else if (segment.find_first_of("{}") != std::string_view::npos) {
      problem = parameter_problem(segment, last, names);
    } else {
      problem = segment_problem(segment);
    }
  });
  return problem;
}

std::string path_shape(std::string_view path) {
  std::string shape;
  bool inside = false;
  for (const char c : path) {
    if (c == '}') inside = false;
    if (!inside || c == '.') shape += c;  // the dots of `{path...}`: a name has none
    if (c == '{') inside = true;
  }
  return shape;
}

std::string key_url_problem(std::string_view url) {
  const bool secure = url.starts_with("https://");
  if (!secure && !url.starts_with("http://"))
    return "expected an `https://` URL (`http://` only to loopback)";
  if (!std::ranges::all_of(url, [](char c) { return c > 0x20 && c < 0x7f; }) ||
      url.find_first_of("\"<>\\^`{|}") != std::string_view::npos)
    return "a URL has no spaces, quotes or characters beyond ASCII";
  if (url.contains('#')) return "a fragment (`#…`) is never sent: remove it";
  std::string_view authority = url.substr(secure ? 8 : 7);
  authority = authority.substr(0, authority.find_first_of("/?"));
  if (authority.contains('@')) return "a user or password may not stand in the URL";
  const bool bracketed = authority.ends_with(']');
  const std::size_t colon = bracketed ? std::string_view::npos : authority.rfind(':');
  const std::string with_port = colon == std::string_view::npos
                                    ? std::string(authority) + ":443"  //
                                    : std::string(authority);
  const auto where = parse_host_port(with_port);
  if (!where) return "the URL has no valid host";
  const auto address = IpAddress::parse(where->host);
  const bool loopback = where->host == "localhost" || (address && address->is_loopback());
  if (!secure && !loopback)
    return "keys may be fetched in clear text from loopback only: use `https://`";
  return {};
}

bool is_claim_path(std::string_view text) {
  if (text.empty() || text.size() > 256) return false;
  if (text.starts_with('.') || text.ends_with('.') || text.contains("..")) return false;
  return std::ranges::all_of(
      text, [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f; });
}

std::string reserved_field(std::string_view name) {
  constexpr std::string_view kConnection[] = {"connection",
                                              "keep-alive",
                                              "proxy-connection",
                                              "proxy-authenticate",
                                              "proxy-authorization",
                                              "te",
                                              "trailer",
                                              "transfer-encoding",
                                              "upgrade",
                                              "expect",
                                              "content-length",
                                              "host",
                                              "http2-settings",
                                              "max-forwards"};
  constexpr std::string_view kOwn[] = {"forwarded", "via", "x-request-id", "client-cert",
                                       "client-cert-chain"};
  if (contains(kConnection, name)) return "frames the message or belongs to one connection";
  if (contains(kOwn, name) || name.starts_with("x-forwarded-"))
    return "is set by the gateway itself";
  return {};
}

std::string as_cgi_reads(std::string name) {
  std::ranges::replace(name, '_', '-');
  return name;
}

}  // namespace portcullis::config
