// The small languages inside the file's strings: durations, rates, sizes, dates, hosts, paths.
// Pure functions; each takes the whole text or nothing.
#pragma once

#include "config/config.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace portcullis::config {

// Digits only, without leading zeros, below 2^63.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text);

// `250ms`, `5s`, `10m`, `24h`, `365d`: one whole number and one unit, up to 100 years.
[[nodiscard]] std::optional<milliseconds> parse_duration(std::string_view text);

// `200/s`, `600/m`, `100/h`, `10/d`, `5/15m`, `200/30s`: 1 to 10^9 in 1ms or more.
[[nodiscard]] std::optional<Rate> parse_rate(std::string_view text);

// Bytes: `65536`, `64KiB`, `1MiB`, `2GiB`.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

// The shortest text that parses as this: `90s`, `32KiB`.
[[nodiscard]] std::string show_duration(std::uint64_t milliseconds);
[[nodiscard]] std::string show_size(std::uint64_t bytes);

// `YYYY-MM-DD` as the first second after that day, UTC.
[[nodiscard]] std::optional<std::chrono::sys_seconds> parse_day_end(std::string_view text);

// A name in the file: letters, digits, `_` and `-`, at most 64, not beginning with `-`.
[[nodiscard]] bool is_name(std::string_view text);

// A field name (RFC 9110 5.1).
[[nodiscard]] bool is_field_name(std::string_view text);

// A host name or IPv4 address in lower case, without a port: labels of letters, digits, `-` and
// `_`, no empty label. When the last label is a number the whole must be an IPv4 address, since
// some readers would take it for one.
[[nodiscard]] std::optional<std::string> parse_host(std::string_view text);

// The host of `host:port` or `[v6]:port`, and its port from 1 to 65535.
struct HostPort {
  std::string host;  // without brackets
  std::uint16_t port = 0;
};
[[nodiscard]] std::optional<HostPort> parse_host_port(std::string_view text);

// What is wrong with a `base_path` or the `path` of a route; empty when nothing is.
[[nodiscard]] std::string base_path_problem(std::string_view path);
[[nodiscard]] std::string path_template_problem(std::string_view path);

// A template with every parameter as `{}` or `{...}`: equal for two routes that match the same
// paths.
[[nodiscard]] std::string path_shape(std::string_view path);

// What is wrong with the URL of a key set: it must be https, or http to loopback, and carry neither
// user nor fragment. Empty when nothing is.
[[nodiscard]] std::string key_url_problem(std::string_view url);

// The next path of a claim: `realm_access.roles`, names divided by dots.
[[nodiscard]] bool is_claim_path(std::string_view text);

// Why a field of a request may not be set from the configuration: it frames the message, belongs to
// one connection, or is the gateway's own. `name` is in lower case; empty when it may.
[[nodiscard]] std::string reserved_field(std::string_view name);

// The name as servers read it that take `_` for `-` (RFC 3875 4.1.18): to them, names that are
// equal in this form are one.
[[nodiscard]] std::string as_cgi_reads(std::string name);

}  // namespace portcullis::config
