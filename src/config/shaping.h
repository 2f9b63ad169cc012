// What is written around a request and its answer: cross-origin rules, fields, paths, answers of
// the gateway's own, lists of addresses. Plain data, as config.h.
#pragma once

#include "base/ip.h"
#include "config/diagnostics.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace portcullis::config {

// Which pages of other origins may read answers (the Fetch standard's CORS protocol).
struct Cors {
  // As browsers write them: `https://app.example.com`, `https://*.example.com`, `null`; or `*`
  // alone. Empty: no origin may (`cors: none`).
  std::vector<std::string> origins;
  bool credentials = false;
  std::vector<std::string> headers;  // of requests, in lower case
  std::vector<std::string> expose;   // of answers, in lower case
  std::optional<std::chrono::seconds> max_age;
  Position at;
};

// A piece of a field's value: text, or what the request makes of a `{placeholder}`.
struct ValuePart {
  enum class Source : std::uint8_t {
    kText,
    kRequestId,
    kClientAddress,
    kSubject,
    kAuthenticator,
    kIssuer,
    kKey,
    kRoles,
    kScopes,
    kClaim
  };
  Source source = Source::kText;
  std::string text;  // of kText; of kClaim, its name
};

struct FieldTemplate {
  std::string name;  // lower case
  std::vector<ValuePart> value;
  Position at;  // of the value
};

// `request_headers` and `response_headers`.
struct FieldEdits {
  std::vector<FieldTemplate> set;  // in place of all fields of that name
  std::vector<FieldTemplate> add;
  std::vector<std::string> remove;  // lower case
  [[nodiscard]] bool empty() const { return set.empty() && add.empty() && remove.empty(); }
};

// One segment of a path in `rewrite`.
struct PathPart {
  enum class Kind : std::uint8_t {
    kLiteral,
    kCapture,  // `{name}`: one segment, not empty
    kRest      // `{name...}`: everything from here to the end
  };
  Kind kind = Kind::kLiteral;
  std::string text;  // the segment, or the capture's name
};

// A path below `base_path` that has the form of `from` goes on as `to`, the whole path.
struct Rewrite {
  std::vector<PathPart> from;
  std::vector<PathPart> to;
  Position at;
};

struct Redirect {
  std::string to;  // an absolute path, or an http(s) URL
  std::uint16_t status = 307;
};

struct Respond {
  std::uint16_t status = 200;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";
  std::vector<FieldTemplate> headers;
};

struct Maintenance {
  bool on = false;
  std::chrono::seconds retry_after{60};
  std::string body;  // empty: the problem document
  std::string content_type = "text/plain; charset=utf-8";
};

// Who may call by address. `deny` wins; with `allow`, everybody else is refused.
struct AddressLists {
  std::optional<std::vector<Cidr>> allow;
  std::vector<Cidr> deny;
  Position at;
};

// What an operation may say for itself.
struct ShapingSettings {
  std::optional<Cors> cors;               // in place of its API's
  std::optional<AddressLists> addresses;  // asked besides its API's
};

// What stands in an API alone.
struct ApiShaping {
  bool strip_prefix = false;
  std::vector<Rewrite> rewrites;
  FieldEdits request_headers;
  FieldEdits response_headers;
  Maintenance maintenance;
};

// `redirect_https` of a listener.
struct RedirectHttps {
  bool on = false;
  std::optional<std::uint16_t> port;  // that of the listener that the request is sent to
};

// Strict-Transport-Security (RFC 6797) on every answer of a listener with TLS.
struct Hsts {
  std::chrono::seconds max_age{0};
  bool subdomains = false;
  bool preload = false;
};

}  // namespace portcullis::config
