// What a route says of paths, fields, addresses and answers of the gateway's own, compiled; a
// member of its plan.
#pragma once

#include "config/config.h"
#include "gateway/addresses.h"
#include "gateway/cors.h"
#include "gateway/rewrite.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::gateway {

// `response_headers`: what is dropped of the upstream's answer, and what is put there.
struct ResponseEdits {
  std::vector<std::string> dropped;  // names, in lower case, of `set` and `remove`
  const config::FieldEdits* edits = nullptr;
};

// Pointers are into the snapshot's configuration.
struct Shape {
  std::shared_ptr<const CorsRule> cors;  // null: not the gateway's matter
  std::string methods;                   // what a preflight is told: `GET, HEAD`
  std::vector<std::shared_ptr<const AddressRule>> addresses;
  const config::Maintenance* maintenance = nullptr;  // null: the API is up
  const config::Respond* respond = nullptr;          // the gateway's own answer, or
  const config::Redirect* redirect = nullptr;        // this one, or neither
  PathShape path;
  const config::FieldEdits* request = nullptr;
  std::shared_ptr<const ResponseEdits> response;

  [[nodiscard]] bool answers_itself() const { return respond != nullptr || redirect != nullptr; }
};

// Compiles what an API's routes share once.
class ApiShapes {
 public:
  explicit ApiShapes(const config::Api& api);
  // `index` is the route's among those of its API.
  [[nodiscard]] Shape compile(const config::Route& route, std::size_t index) const;
  [[nodiscard]] const std::shared_ptr<const CorsRule>& cors() const { return cors_; }

 private:
  const config::Api& api_;
  std::shared_ptr<const CorsRule> cors_;
  std::shared_ptr<const AddressRule> addresses_;
  std::shared_ptr<const ResponseEdits> response_;
};

// Which API's rule holds for a path that no route has, so that a page can read its 404.
struct CorsPlace {
  std::vector<std::string> hosts;  // as RouteSpec's
  std::string base_path;
  std::shared_ptr<const CorsRule> cors;  // may be null
};
[[nodiscard]] const CorsRule* find_cors(const std::vector<CorsPlace>& places, std::string_view host,
                                        std::string_view path);

// The value of Strict-Transport-Security (RFC 6797 6.1).
[[nodiscard]] std::string hsts_value(const config::Hsts& hsts);

}  // namespace portcullis::gateway
