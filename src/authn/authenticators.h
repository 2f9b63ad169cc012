// The `authenticators` of one configuration, compiled. Immutable; shared by all workers.
#pragma once

#include "authn/api_key.h"
#include "authn/key_places.h"
#include "authn/key_source.h"
#include "authn/mutual_tls.h"
#include "authn/role_table.h"
#include "config/config.h"
#include "config/diagnostics.h"
#include "jose/jwt.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace portcullis::authn {

struct JwtAuthenticator {
  jose::JwtRules rules;
  std::shared_ptr<KeySource> keys;
};

struct ApiKeyAuthenticator {
  std::vector<KeyPlace> places;
  ApiKeyTable keys;
};

struct Authenticator {
  std::uint32_t index = 0;
  std::string name;
  std::string rule;  // `authenticators.<name>`, as errors say it
  std::variant<JwtAuthenticator, ApiKeyAuthenticator, MutualTlsAuthenticator> method;

  [[nodiscard]] const JwtAuthenticator* jwt() const {
    return std::get_if<JwtAuthenticator>(&method);
  }
  [[nodiscard]] const ApiKeyAuthenticator* api_key() const {
    return std::get_if<ApiKeyAuthenticator>(&method);
  }
  [[nodiscard]] const MutualTlsAuthenticator* mutual_tls() const {
    return std::get_if<MutualTlsAuthenticator>(&method);
  }
};

class Authenticators {
 public:
  // Reads files of keys; what cannot be read is an error at its authenticator. `generation` differs
  // for each configuration that this process compiles: nothing that was remembered for one is
  // believed by another.
  [[nodiscard]] static std::shared_ptr<const Authenticators> compile(
      const std::vector<config::Authenticator>& configured, RoleTable roles, KeySources& sources,
      std::uint64_t generation, config::Diagnostics& diagnostics);

  [[nodiscard]] std::uint64_t generation() const { return generation_; }
  [[nodiscard]] const RoleTable& roles() const { return roles_; }
  // Null when there is none of that name.
  [[nodiscard]] const Authenticator* find(std::string_view name) const;
  [[nodiscard]] const std::vector<Authenticator>& all() const { return all_; }
  // The places that carry API keys anywhere in the configuration: what stands there never goes on
  // to an upstream. (`authorization` is not among them: `forward.authorization` decides.)
  [[nodiscard]] const KeyPlaces& key_places() const { return key_places_; }

 private:
  Authenticators() = default;
  std::uint64_t generation_ = 0;
  RoleTable roles_;
  std::vector<Authenticator> all_;
  KeyPlaces key_places_;
};

}  // namespace portcullis::authn
