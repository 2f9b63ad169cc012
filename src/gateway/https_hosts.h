// Where a listener with `redirect_https` may send a request: to hosts that some listener with TLS
// serves, and nowhere else, so that nobody can be sent to a host of somebody's choice.
#pragma once

#include "config/config.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace portcullis::gateway {

class HttpsHosts {
 public:
  HttpsHosts() = default;
  explicit HttpsHosts(const config::Config& config);

  // The listener, an index into Config::listeners, that serves the host: by its name, else by the
  // longest pattern, else by an API that has every host.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view host) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> exact_;
  using Pattern = std::pair<std::string, std::size_t>;
  std::vector<Pattern> patterns_;  // `.example.com`, longest first
  std::optional<std::size_t> any_;
};

// `https://host:port/path?query`; the port is left out when it is 443.
[[nodiscard]] std::string https_location(std::string_view host, std::uint16_t port,
                                         std::string_view path,
                                         std::optional<std::string_view> query);

}  // namespace portcullis::gateway
