// `cors`, fields, paths, answers of the gateway's own, addresses.
#include "config/load_shaping.h"

#include "base/ascii.h"
#include "config/contains.h"
#include "config/load_parts.h"
#include "config/nearest.h"
#include "config/origins.h"
#include "config/rewrites.h"
#include "config/scalars.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace portcullis::config {
namespace {

// ---- cors

void read_origins(Scope& scope, Cors& cors) {
  std::vector<Text> texts;
  scope.strings("origins", texts);
  Diagnostics& diagnostics = scope.context().diagnostics;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string key = fmt::format("{}[{}]", scope.key("origins"), i);
    ReadOrigin origin = read_origin(texts[i].value);
    if (!origin.problem.empty())
      diagnostics.error(texts[i].at, key, origin.problem);
    else if (contains(cors.origins, origin.text))
      diagnostics.error(texts[i].at, key, quote(origin.text) + " is there twice: remove one");
    else if (origin.text == "*" && texts.size() > 1)
      diagnostics.error(texts[i].at, key,
                        "`*` is every origin and stands alone: remove it or the others");
    else
      cors.origins.push_back(std::move(origin.text));
  }
}

void read_names(Scope& scope, std::string_view name, std::vector<std::string>& out) {
  std::vector<Text> texts;
  scope.strings(name, texts);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::string field = in_lower_case(texts[i].value);
    const std::string key = fmt::format("{}[{}]", scope.key(name), i);
    Diagnostics& diagnostics = scope.context().diagnostics;
    if (field == "*")
      diagnostics.error(texts[i].at, key, "name the fields: `*` is not taken here");
    else if (!is_field_name(field))
      diagnostics.error(texts[i].at, key,
                        "expected the name of a field; found " + quote(texts[i].value));
    else if (contains(out, field))
      diagnostics.error(texts[i].at, key, quote(field) + " is there twice: remove one");
    else
      out.push_back(std::move(field));
  }
}

void read_cors(Scope& scope, Cors& cors) {
  cors.at = scope.at();
  read_origins(scope, cors);
  scope.boolean("credentials", cors.credentials);
  read_names(scope, "headers", cors.headers);
  read_names(scope, "expose", cors.expose);
  scope.duration("max_age", cors.max_age);
  if (cors.credentials && contains(cors.origins, "*"))
    scope.error("credentials",
                "every page in the world could act as your users: name the origins, or remove "
                "`credentials`");
}

// ---- addresses

constexpr std::size_t kMaxListSize = 32UL << 20U;  // bytes
constexpr std::size_t kMaxNetworks = 1'000'000;    // of one list
constexpr std::size_t kMaxMistakes = 10;           // reported of one file
constexpr std::string_view kFile = "file:";

std::string_view without_comment(std::string_view line) {
  line = line.substr(0, line.find('#'));
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t first = line.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(kSpace) - first + 1);
}

// A list of networks in a file, which has its own lines to point at.
void read_network_file(Scope& scope, const Text& entry, const std::string& key,
                       std::vector<Cidr>& out) {
  Context& context = scope.context();
  const std::string path = context.note_file(entry.value.substr(kFile.size()), entry.at);
  const auto content = context.sources.read(path, kMaxListSize);
  if (!content) {
    context.diagnostics.error(entry.at, key,
                              quote(path) + " cannot be read: " + content.error().detail);
    return;
  }
  std::optional<std::uint32_t> file;
  std::size_t mistakes = 0;
  std::uint32_t number = 0;
  for (std::string_view rest = *content; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    ++number;
    const std::string_view text = without_comment(line);
    if (text.empty()) continue;
    if (const auto network = Cidr::parse(text)) {
      out.push_back(*network);
      continue;
    }
    if (++mistakes > kMaxMistakes) return;
    if (!file) file = context.diagnostics.add_file(path);
    const auto column = static_cast<std::uint32_t>(text.data() - line.data() + 1);
    context.diagnostics.error({*file, number, column}, key,
                              "expected a network such as `10.0.0.0/8`, without bits beyond its "
                              "length; found " +
                                  quote(text));
  }
}

bool read_networks(Scope& scope, std::string_view name, std::vector<Cidr>& out) {
  std::vector<Text> entries;
  const bool there = scope.strings(name, entries) || scope.has(name);
  Diagnostics& diagnostics = scope.context().diagnostics;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string key = fmt::format("{}[{}]", scope.key(name), i);
    if (entries[i].value.starts_with(kFile)) {
      read_network_file(scope, entries[i], key, out);
    } else if (const auto network = Cidr::parse(entries[i].value)) {
      out.push_back(*network);
    } else {
      diagnostics.error(entries[i].at, key,
                        "expected a network such as `10.0.0.0/8`, without bits beyond its length, "
                        "or `file:` and the path of a list; found " +
                            quote(entries[i].value));
    }
  }
  if (out.size() > kMaxNetworks)
    scope.error(name, fmt::format("more than {} networks", kMaxNetworks));
  return there;
}

void read_addresses(Scope& scope, AddressLists& lists) {
  lists.at = scope.at();
  std::vector<Cidr> allow;
  if (read_networks(scope, "allow", allow)) lists.allow = std::move(allow);
  read_networks(scope, "deny", lists.deny);
  if (scope.readable() && !scope.has("allow") && !scope.has("deny"))
    scope.context().diagnostics.error(scope.at(), scope.key(), "expected `allow` or `deny`");
}

// ---- fields and their values

std::optional<ValuePart> placeholder(std::string_view name) {
  using Source = ValuePart::Source;
  constexpr std::array<std::pair<std::string_view, Source>, 8> kNames = {{
      {"request.id", Source::kRequestId},
      {"client.address", Source::kClientAddress},
      {"identity.subject", Source::kSubject},
      {"identity.authenticator", Source::kAuthenticator},
      {"identity.issuer", Source::kIssuer},
      {"identity.key", Source::kKey},
      {"identity.roles", Source::kRoles},
      {"identity.scopes", Source::kScopes},
  }};
  for (const auto& [known, source] : kNames)
    if (known == name) return ValuePart{source, {}};
  constexpr std::string_view kClaims = "identity.claims.";
  if (name.starts_with(kClaims) && is_name(name.substr(kClaims.size())))
    return ValuePart{Source::kClaim, std::string(name.substr(kClaims.size()))};
  return std::nullopt;
}

// What is wrong with the value; `parts` is what it is made of.
std::string read_value(std::string_view text, std::vector<ValuePart>& parts) {
  if (!is_field_value(text)) return "a field's value holds no control characters";
  if (text.starts_with(' ') || text.ends_with(' '))
    return "a field's value neither begins nor ends with a space";
  std::string plain;
  const auto end_plain = [&] {
    if (!plain.empty()) parts.push_back({ValuePart::Source::kText, std::move(plain)});
    plain.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c != '{' && c != '}') {
      plain += c;
      continue;
    }
    if (i + 1 < text.size() && text[i + 1] == c) {
      plain += c;
      ++i;
      continue;
    }
    const std::size_t end = text.find('}', i);
    if (c == '}' || end == std::string_view::npos)
      return "a brace that stands for itself is written twice: `{{`, `}}`";
    const std::string_view name = text.substr(i + 1, end - i - 1);
    auto part = placeholder(name);
    if (!part) {
      const std::vector<std::string_view> known = {
          "identity.subject", "identity.authenticator", "identity.issuer",
          "identity.key",     "identity.roles",         "identity.scopes",
          "request.id",       "client.address",         "identity.claims.NAME"};
      return "unknown placeholder " + quote("{" + std::string(name) + "}") + "; expected " +
             one_of(known) + did_you_mean(name, known);
    }
    end_plain();
    parts.push_back(*std::move(part));
    i = end;
  }
  end_plain();
  return {};
}

enum class Edit : std::uint8_t { kWrite, kRemove };

std::string request_field_problem(const std::string& name, Edit edit, const Api& api) {
  const std::string read = as_cgi_reads(name);
  if (std::string reason = reserved_field(read); !reason.empty()) return reason;
  if (read == "authorization") return "is for `forward.authorization` to keep or remove";
  if (read == "content-encoding") return "describes the body, which goes on as it is";
  if (read == "cookie" && edit == Edit::kWrite) return "carries credentials";
  if (contains(api.forward.identity, read, [](const auto& one) { return as_cgi_reads(one.first); }))
    return "is a field of `forward.identity`";
  return {};
}

std::string response_field_problem(const std::string& name, Edit) {
  if (std::string reason = reserved_field(name); !reason.empty()) return reason;
  if (name.starts_with("access-control-")) return "is for `cors` to say";
  if (name == "strict-transport-security") return "is for `hsts` in the listener's `tls` to say";
  if (name == "ratelimit" || name == "ratelimit-policy") return "is set by the gateway itself";
  if (name == "content-encoding") return "describes the body, which goes on as it is";
  return {};
}

using NameProblem = std::function<std::string(const std::string& name, Edit edit)>;

// Reads `name` of `scope`, a mapping of fields to values.
void read_templates(Scope& scope, std::string_view name, const NameProblem& problem,
                    std::vector<FieldTemplate>& out) {
  scope.named_strings(name, [&](const Text& field, const Text& value) {
    Diagnostics& diagnostics = scope.context().diagnostics;
    const std::string key = scope.key(name) + "." + field.value;
    FieldTemplate made{.name = in_lower_case(field.value), .value = {}, .at = value.at};
    if (!is_field_name(made.name))
      diagnostics.error(field.at, key, "expected the name of a field; found " + quote(field.value));
    else if (const std::string reason = problem(made.name, Edit::kWrite); !reason.empty())
      diagnostics.error(field.at, key, quote(made.name) + " " + reason);
    else if (contains(out, made.name, &FieldTemplate::name))
      diagnostics.error(field.at, key,
                        "the field " + quote(made.name) + " is there twice: remove one");
    if (const std::string wrong = read_value(value.value, made.value); !wrong.empty())
      diagnostics.error(value.at, key, wrong);
    out.push_back(std::move(made));
  });
}

void read_edits(Scope& scope, const NameProblem& problem, FieldEdits& edits) {
  read_templates(scope, "set", problem, edits.set);
  read_templates(scope, "add", problem, edits.add);
  std::vector<Text> removed;
  scope.strings("remove", removed);
  Diagnostics& diagnostics = scope.context().diagnostics;
  for (std::size_t i = 0; i < removed.size(); ++i) {
    const std::string key = fmt::format("{}[{}]", scope.key("remove"), i);
    std::string name = in_lower_case(removed[i].value);
    if (!is_field_name(name))
      diagnostics.error(removed[i].at, key,
                        "expected the name of a field; found " + quote(removed[i].value));
    else if (const std::string reason = problem(name, Edit::kRemove); !reason.empty())
      diagnostics.error(removed[i].at, key, quote(name) + " " + reason);
    else if (contains(edits.remove, name))
      diagnostics.error(removed[i].at, key, quote(name) + " is there twice: remove one");
    else if (contains(edits.set, name, &FieldTemplate::name))
      diagnostics.error(removed[i].at, key, quote(name) + " is in `set` too, which removes it");
    else
      edits.remove.push_back(std::move(name));
  }
  for (const FieldTemplate& added : edits.add)
    if (contains(edits.set, added.name, &FieldTemplate::name))
      diagnostics.error(added.at, scope.key("add") + "." + added.name,
                        quote(added.name) + " is in `set` too: keep one of them");
}

// ---- paths

void read_rewrite(Scope& scope, Api& api) {
  Rewrite rewrite;
  rewrite.at = scope.at();
  const auto read = [&](std::string_view name, std::vector<PathPart>& parts) {
    std::string text;
    if (!scope.string(name, text)) return false;
    ReadPathForm form = read_path_form(text);
    if (!form.problem.empty()) scope.error(name, form.problem);
    parts = std::move(form.parts);
    return form.problem.empty();
  };
  const bool from = read("from", rewrite.from);
  const bool to = read("to", rewrite.to);
  if (!from || !to) return;
  const std::string problem = captures_problem(rewrite.from, rewrite.to);
  if (!problem.empty())
    scope.error("to", problem);
  else
    api.shaping.rewrites.push_back(std::move(rewrite));
}

// ---- answers of our own

std::string redirect_problem(std::string_view to) {
  constexpr std::string_view kExpected =
      "expected an absolute path such as `/new`, or a URL that begins with `https://` or `http://`";
  if (!std::ranges::all_of(to, [](char c) { return c > 0x20 && c < 0x7f; }) ||
      to.find_first_of("\"<>\\^`{|}") != std::string_view::npos)
    return "a URL has no spaces, quotes, backslashes or characters beyond ASCII: escape them";
  if (to.starts_with('/'))
    return to.starts_with("//") ? "`//` begins a host: write the URL with its scheme" : "";
  const std::string lower = in_lower_case(to.substr(0, 8));
  const std::size_t scheme = lower.starts_with("https://")  ? 8
                             : lower.starts_with("http://") ? 7
                                                            : 0;
  if (scheme == 0) return std::string(kExpected);
  std::string_view authority = to.substr(scheme);
  authority = authority.substr(0, authority.find_first_of("/?#"));
  if (authority.contains('@')) return "a user may not stand in the URL";
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  const std::string with_port = std::string(authority) + (has_port ? "" : ":443");
  return parse_host_port(with_port) ? "" : "the URL has no valid host";
}

void read_content_type(Scope& scope, bool has_body, std::string& out) {
  if (!scope.string("content_type", out)) return;
  if (!is_field_value(out)) scope.error("content_type", "holds a control character: remove it");
  if (!has_body)
    scope.error("content_type", "has no meaning without `body`: add that, or remove this");
}

void read_respond(Scope& scope, Respond& respond) {
  scope.integer("status", respond.status);
  const bool has_body = scope.string("body", respond.body);
  read_content_type(scope, has_body, respond.content_type);
  read_templates(
      scope, "headers",
      [](const std::string& name, Edit edit) {
        return name == "content-type" ? std::string("is for `content_type` to say")
                                      : response_field_problem(name, edit);
      },
      respond.headers);
  const bool empty = respond.status == 204 || respond.status == 205 || respond.status == 304;
  if (empty && has_body)
    scope.error("body", fmt::format("an answer with status {} has no body", respond.status));
}

void read_redirect(Scope& scope, Redirect& redirect) {
  if (scope.string("to", redirect.to)) {
    const std::string problem = redirect_problem(redirect.to);
    if (!problem.empty()) scope.error("to", problem);
  }
  constexpr std::array<std::uint16_t, 5> kStatuses = {301, 302, 303, 307, 308};
  if (scope.integer("status", redirect.status) && !contains(kStatuses, redirect.status))
    scope.error("status", fmt::format("expected 301, 302, 303, 307 or 308; found `{}`",  //
                                      redirect.status));
}

void read_maintenance(Scope& scope, Maintenance& maintenance) {
  scope.flag_or_mapping("maintenance", maintenance.on, [&](Scope& inner) {
    maintenance.on = true;
    inner.duration("retry_after", maintenance.retry_after);
    const bool has_body = inner.string("body", maintenance.body);
    read_content_type(inner, has_body, maintenance.content_type);
  });
}

}  // namespace

void read_shaping_settings(Scope& scope, ShapingSettings& settings) {
  Cors cors;
  if (scope.none_or_mapping("cors", [&](Scope& inner) { read_cors(inner, cors); }))
    settings.cors = std::move(cors);
  scope.mapping("addresses",
                [&](Scope& inner) { read_addresses(inner, settings.addresses.emplace()); });
}

void read_api_shaping(Scope& scope, Api& api) {
  ApiShaping& shaping = api.shaping;
  if (scope.boolean("strip_prefix", shaping.strip_prefix) && shaping.strip_prefix &&
      api.base_path.empty())
    scope.error("strip_prefix", "there is no `base_path` to strip: add one, or remove this");
  scope.one_or_list("rewrite", [&](Scope& inner) { read_rewrite(inner, api); });
  scope.mapping("request_headers", [&](Scope& inner) {
    read_edits(
        inner,
        [&](const std::string& name, Edit edit) { return request_field_problem(name, edit, api); },
        shaping.request_headers);
  });
  scope.mapping("response_headers", [&](Scope& inner) {
    read_edits(inner, response_field_problem, shaping.response_headers);
  });
  read_maintenance(scope, shaping.maintenance);
}

void read_own_answer(Scope& scope, Route& route) {
  scope.mapping("respond", [&](Scope& inner) { read_respond(inner, route.respond.emplace()); });
  scope.mapping("redirect", [&](Scope& inner) { read_redirect(inner, route.redirect.emplace()); });
  if (route.respond && route.redirect)
    scope.error("redirect", "the route has `respond` too: keep one of them");
}

bool read_redirect_https(Scope& scope, Listener& listener) {
  RedirectHttps& redirect = listener.redirect_https;
  const bool good = scope.flag_or_mapping("redirect_https", redirect.on, [&](Scope& inner) {
    redirect.on = true;
    inner.integer("port", redirect.port);
  });
  if (redirect.on && listener.tls)
    scope.error("redirect_https",
                "a listener with `tls` has nothing to redirect: keep one of them");
  return redirect.on || (!good && scope.has("redirect_https"));
}

void read_hsts(Scope& scope, Tls& tls) {
  Hsts hsts;
  const bool there = scope.duration_or_mapping("hsts", hsts.max_age, [&](Scope& inner) {
    inner.duration("max_age", hsts.max_age);
    inner.boolean("subdomains", hsts.subdomains);
    inner.boolean("preload", hsts.preload);
    if (hsts.preload && !hsts.subdomains)
      inner.error("preload", "the browsers' list takes hosts with `subdomains: true` only");
  });
  if (there) tls.hsts = hsts;
}

}  // namespace portcullis::config
