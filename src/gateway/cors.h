// Which pages of other origins may read what is answered (the CORS protocol of the Fetch standard,
// https://fetch.spec.whatwg.org/#http-cors-protocol).
#pragma once

#include "base/result.h"
#include "config/shaping.h"
#include "http/message.h"

#include <string>
#include <string_view>
#include <vector>

namespace portcullis::gateway {

class CorsRule {
 public:
  // `key` is where it stands, for the log: `apis.shop.cors`.
  CorsRule(const config::Cors& cors, std::string key);

  [[nodiscard]] const std::string& key() const { return key_; }

  // `origin` as the browser sent it, compared octet by octet.
  [[nodiscard]] bool allows(std::string_view origin) const;

  // What every final answer carries. The views live as long as the rule and the request.
  void add_to(const http::Fields& request, http::Fields& to) const;

  // The answer to a preflight for a route with `methods`. Errors: kOriginNotAllowed, and nothing
  // is added.
  [[nodiscard]] Result<void> add_preflight_to(const http::Fields& request, std::string_view methods,
                                              http::Fields& to) const;

 private:
  // `https://*.example.com:8443`
  struct Pattern {
    std::string before;  // `https://`
    std::string after;   // `.example.com:8443`
  };

  std::string key_;
  bool any_ = false;                  // `*`
  std::vector<std::string> origins_;  // sorted
  std::vector<Pattern> patterns_;
  bool credentials_ = false;
  std::string headers_;
  std::string expose_;
  std::string max_age_;
};

// The method that a preflight asks for, or empty when the request is none: OPTIONS with one Origin
// and one Access-Control-Request-Method.
[[nodiscard]] std::string_view preflight_method(const http::Request& request);

// A field of the CORS protocol, which the upstream does not say where the gateway does.
[[nodiscard]] inline bool is_cors_field(const http::Field& field) {
  return field.id == http::FieldId::kOther && field.name.starts_with("access-control-");
}

}  // namespace portcullis::gateway
