#include "gateway/https_hosts.h"

#include <algorithm>

namespace portcullis::gateway {

HttpsHosts::HttpsHosts(const config::Config& config) {
  for (const config::Api& api : config.apis) {
    const auto listener = std::ranges::find_if(config.listeners, [&](const config::Listener& one) {
      return one.tls && std::ranges::any_of(api.listeners, [&](const config::Text& name) {
               return name.value == one.name;
             });
    });
    if (listener == config.listeners.end()) continue;
    const auto index = static_cast<std::size_t>(listener - config.listeners.begin());
    if (api.hosts.empty() && !any_) any_ = index;
    for (const config::Text& host : api.hosts) {
      const std::string suffix = host.value.substr(1);
      if (!host.value.starts_with("*."))
        exact_.emplace(host.value, index);
      else if (std::ranges::find(patterns_, suffix, &Pattern::first) == patterns_.end())
        patterns_.emplace_back(suffix, index);
    }
  }
  std::ranges::sort(patterns_, std::ranges::greater{},
                    [](const Pattern& pattern) { return pattern.first.size(); });
}

std::optional<std::size_t> HttpsHosts::find(std::string_view host) const {
  if (host.empty()) return std::nullopt;
  if (const auto exact = exact_.find(host); exact != exact_.end()) return exact->second;
  for (const auto& [suffix, index] : patterns_)
    if (host.size() > suffix.size() && host.ends_with(suffix)) return index;
  return any_;
}

std::string https_location(std::string_view host, std::uint16_t port, std::string_view path,
                           std::optional<std::string_view> query) {
  std::string location = "https://";
  location += host;
  if (port != 443) location += ":" + std::to_string(port);
  // OPTIONS of `*` asks about the server as a whole (RFC 9112 3.2.4).
  location += path.starts_with('/') ? path : std::string_view("/");
  if (query) location.append("?").append(*query);
  return location;
}

}  // namespace portcullis::gateway
