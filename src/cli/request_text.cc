#include "cli/request_text.h"

#include "base/ascii.h"
#include "base/ip.h"
#include "config/nearest.h"
#include "config/sources.h"
#include "gateway/explain_facts.h"
#include "http/head.h"
#include "jose/jws.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace portcullis::cli {
namespace {

std::unexpected<Error> wrong(std::string detail) {
  return fail(ErrorCode::kBadConfig, std::move(detail));
}

struct Url {
  std::optional<bool> tls;  // nothing: a path alone
  std::string authority;    // `host` or `host:port`
  std::string host;         // without port
  std::optional<std::uint16_t> port;
  std::string target;
};

Result<void> read_authority(std::string_view authority, Url& url) {
  url.authority = authority;
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  url.host = authority.substr(0, colon);
  if (colon == std::string_view::npos) return {};
  const std::string_view digits = authority.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || port == 0)
    return wrong("expected a port from 1 to 65535 in the URL");
  url.port = port;
  return {};
}

Result<Url> read_url(std::string_view text) {
  Url url;
  const std::size_t scheme = text.find("://");
  if (scheme == std::string_view::npos || text.starts_with('/')) {
    if (!text.starts_with('/') && text != "*")
      return wrong(
          "expected a URL such as `https://shop.example.com/orders`, or a path that begins with "
          "`/`");
    url.target = text;
    return url;
  }
  const std::string_view name = text.substr(0, scheme);
  if (name != "http" && name != "https") return wrong("expected a URL of http or https");
  url.tls = name == "https";
  std::string_view rest = text.substr(scheme + 3);
  rest = rest.substr(0, rest.find('#'));  // no client sends it
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  if (authority.empty()) return wrong("the URL names no host");
  if (authority.contains('@'))
    return wrong("the URL carries credentials, which no client sends so; use --token or -H");
  PC_CHECK_OK(read_authority(authority, url));
  url.target = rest.substr(authority.size());
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  return url;
}

// The value of the Host among the fields that were given.
std::optional<std::string_view> given_host(const std::vector<std::string_view>& fields) {
  for (const std::string_view field : fields) {
    const std::size_t colon = field.find(':');
    if (colon == std::string_view::npos) continue;
    if (!http::equals_ignoring_case(field.substr(0, colon), "host")) continue;
    std::string_view value = field.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    return value;
  }
  return std::nullopt;
}

// ---- the listener

std::string describe(const gateway::ListenerPlan& listener) {
  return fmt::format("{} ({} on port {})", listener.config.name,
                     listener.config.tls ? "https" : "http", listener.config.address.port);
}

bool serves_host(const gateway::Snapshot& snapshot, const std::string& listener,
                 std::string_view host) {
  return std::ranges::any_of(snapshot.config().apis, [&](const config::Api& api) {
    return gateway::takes_host(api, host) &&
           std::ranges::find(api.listeners, listener, &config::Text::value) != api.listeners.end();
  });
}

Result<std::size_t> named_listener(const gateway::Snapshot& snapshot, std::string_view name) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < snapshot.listeners().size(); ++i) {
    names.push_back(snapshot.listeners()[i].config.name);
    if (names.back() == name) return i;
  }
  return wrong(fmt::format("--listener: there is no {}; there is {}", config::quote(name),
                           config::one_of(names)));
}

Result<std::vector<std::size_t>> fitting_listeners(const gateway::Snapshot& snapshot,
                                                   const Url& url) {
  const auto& all = snapshot.listeners();
  std::vector<std::size_t> of_scheme;
  std::vector<std::size_t> of_port;
  const std::uint16_t port = url.port.value_or(url.tls.value_or(false) ? 443 : 80);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (url.tls && *url.tls != all[i].config.tls.has_value()) continue;
    of_scheme.push_back(i);
    if (all[i].config.address.port == port) of_port.push_back(i);
  }
  // A port of 0 is a different one at each start: nobody can name it.
  if (of_port.empty() && url.port) {
    std::ranges::copy_if(of_scheme, std::back_inserter(of_port),
                         [&](std::size_t i) { return all[i].config.address.port == 0; });
  }
  const bool exact = !of_port.empty() && url.tls;
  if (exact || (!url.port && !of_scheme.empty())) return exact ? of_port : of_scheme;
  std::string there;
  for (const gateway::ListenerPlan& listener : all)
    there += (there.empty() ? "" : ", ") + describe(listener);
  return wrong("no listener is where the URL points; there is " + there +
               "; --listener NAME takes one all the same");
}

Result<std::size_t> choose_listener(const RequestWords& words, const gateway::Snapshot& snapshot,
                                    const Url& url, std::string_view host,
                                    std::vector<std::string>& notes) {
  if (words.listener) return named_listener(snapshot, *words.listener);
  PC_TRY(const std::vector<std::size_t> fit, fitting_listeners(snapshot, url));
  std::size_t chosen = fit.front();
  for (const std::size_t i : fit) {
    if (!serves_host(snapshot, snapshot.listeners()[i].config.name, host)) continue;
    chosen = i;
    break;
  }
  if (fit.size() > 1) {
    std::string others;
    for (const std::size_t i : fit)
      others += (others.empty() ? "" : ", ") + snapshot.listeners()[i].config.name;
    notes.push_back(
        fmt::format("the listeners {} could be meant; {} is taken, --listener NAME chooses", others,
                    snapshot.listeners()[chosen].config.name));
  }
  return chosen;
}

// ---- the head

Result<std::string> read_token(std::string_view given) {
  if (!given.starts_with('@')) return std::string(given);
  // One byte more than any token may have, so that too long a one is refused as that.
  PC_TRY(std::string token,
         read_small_file(std::string(given.substr(1)), jose::kMaximumTokenSize + 2));
  while (token.ends_with('\n') || token.ends_with('\r')) token.pop_back();
  return token;
}

bool has_line_end(std::string_view text) { return text.find_first_of("\r\n") != text.npos; }

}  // namespace

Result<std::string> read_small_file(const std::string& path, std::size_t most) {
  Result<std::string> text = config::system_sources().read(path, most);
  if (!text) return wrong("`" + path + "` cannot be read: " + text.error().detail);
  return text;
}

Result<RequestText> make_request(const RequestWords& words, const gateway::Snapshot& snapshot) {
  PC_TRY(const Url url, read_url(words.url));
  const std::optional<std::string_view> said = given_host(words.fields);
  std::string host(said.value_or(url.authority));
  Url of_host;
  if (!host.empty() && !read_authority(host, of_host)) of_host.host = host;
  RequestText text;
  PC_TRY(text.listener, choose_listener(words, snapshot, url, of_host.host, text.notes));
  const gateway::ListenerPlan& listener = snapshot.listeners()[text.listener];
  if (host.empty()) {
    host = listener.config.address.to_string();
    text.notes.push_back("no host is given: it is taken to be " + host);
  }
  const std::string method(words.method);
  text.head = method + " " + url.target + " HTTP/1.1\r\n";
  if (!said) text.head += "Host: " + host + "\r\n";
  const auto add = [&text](std::string_view line) -> Result<void> {
    if (has_line_end(line)) return wrong("a field of the request may not hold a line end");
    text.head.append(line).append("\r\n");
    return {};
  };
  for (const std::string_view field : words.fields) PC_CHECK_OK(add(field));
  if (words.token) {
    PC_TRY(const std::string token, read_token(*words.token));
    PC_CHECK_OK(add("Authorization: Bearer " + token));
  }
  if (has_line_end(method) || has_line_end(url.target))
    return wrong("neither the method nor the URL may hold a line end");
  text.head += "\r\n";
  // A client asks in its handshake for the host that it connects to, whatever `Host` then says;
  // never for an address (RFC 6066 3).
  const std::string& asked = url.authority.empty() ? of_host.host : url.host;
  if (!asked.starts_with('[') && !IpAddress::parse(asked)) text.server_name = in_lower_case(asked);
  const std::string_view before_query = words.url.substr(0, words.url.find('?'));
  text.shown = method + " " + std::string(before_query);
  return text;
}

}  // namespace portcullis::cli
