// Client certificates: whoever needs them stands behind a listener that asks for them.
#include "config/load_parts.h"
#include "config/nearest.h"
#include "config/references.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace portcullis::config {
namespace {

class CertificateCheck {
 public:
  CertificateCheck(const Config& config, Context& context) : context_(context) {
    for (const Listener& listener : config.listeners) {
      listeners_.insert(listener.name);
      // A file that could not be named was reported where it stands.
      if (listener.tls && listener.tls->client_ca.at.line != 0) asking_.insert(listener.name);
    }
    for (const Authenticator& one : config.authenticators)
      if (one.mutual_tls) by_certificate_.insert(one.name);
  }

  void check(const Api& api) {
    for (std::size_t i = 0; i < api.routes.size(); ++i) {
      const std::vector<Text>* names = authenticators_of(api, api.routes[i]);
      if (names == nullptr) continue;
      for (const Text& name : *names)
        if (by_certificate_.contains(name.value)) check_use(api, name);
    }
    if (api.forward.client_certificate == ForwardCertificate::kNone) return;
    const bool any = std::ranges::any_of(
        api.listeners, [&](const Text& listener) { return !is_silent(listener.value); });
    if (!any && !api.listeners.empty())
      context_.diagnostics.error(
          api.forward.client_certificate_at, "apis." + api.name + ".forward.client_certificate",
          "none of the API's listeners asks for a client certificate: add `tls.client_ca` to one, "
          "or remove this");
  }

  // Whether nobody has a use for the certificates that a listener asks for.
  [[nodiscard]] bool is_useless(const Listener& listener) const {
    return asking_.contains(listener.name) && !used_.contains(listener.name);
  }
  void note_use(const Api& api) {
    const auto uses = [&](const Route& route) {
      const std::vector<Text>* names = authenticators_of(api, route);
      return names != nullptr && std::ranges::any_of(*names, [&](const Text& name) {
               return by_certificate_.contains(name.value);
             });
    };
    if (api.forward.client_certificate == ForwardCertificate::kNone &&
        std::ranges::none_of(api.routes, uses))
      return;
    for (const Text& listener : api.listeners) used_.insert(listener.value);
  }

 private:
  [[nodiscard]] bool is_silent(std::string_view listener) const {
    return listeners_.contains(listener) && !asking_.contains(listener);
  }

  // Once for each place that names the authenticator, though many routes may take it from there.
  void check_use(const Api& api, const Text& name) {
    for (const Text& listener : api.listeners) {
      if (!is_silent(listener.value)) continue;
      if (!reported_.emplace(name.at.file, name.at.line, name.at.column, listener.value).second)
        continue;
      context_.diagnostics.error(
          name.at, "apis." + api.name + ".authenticate",
          quote(name.value) + " needs client certificates, and the listener " +
              quote(listener.value) +
              " asks for none: add `tls.client_ca` to it, or serve this on another");
    }
  }

  Context& context_;
  std::set<std::string_view> listeners_;
  std::set<std::string_view> asking_;  // those with tls.client_ca
  std::set<std::string_view> used_;
  std::set<std::string_view> by_certificate_;
  std::set<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t, std::string>> reported_;
};

}  // namespace

void check_certificates(const Config& config, Context& context) {
  CertificateCheck check(config, context);
  for (const Api& api : config.apis) check.check(api);
}

void remark_certificates(const Config& config, Context& context) {
  CertificateCheck check(config, context);
  for (const Api& api : config.apis) check.note_use(api);
  for (const Listener& listener : config.listeners)
    if (check.is_useless(listener))
      context.diagnostics.warning(
          listener.tls->client_ca.at, "listeners." + listener.name + ".tls.client_ca",
          "clients are asked for certificates that nobody looks at: no API on this listener uses a "
          "`mutual_tls` authenticator or `forward.client_certificate`");
}

}  // namespace portcullis::config
