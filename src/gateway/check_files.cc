#include "gateway/check_files.h"

#include "authn/authenticators.h"
#include "gateway/tls_contexts.h"
#include "runtime/tls.h"

#include <utility>
#include <vector>

namespace portcullis::gateway {
namespace {

// Without what names no file, which has been reported.
config::Config named_files(const config::Config& unsound) {
  config::Config config;
  for (const config::Listener& listener : unsound.listeners) {
    if (!listener.tls) continue;
    config::Listener copy = listener;
    std::erase_if(copy.tls->certificates, [](const config::CertificateFiles& files) {
      return files.cert.empty() || files.key.empty();
    });
    if (!copy.tls->certificates.empty()) config.listeners.push_back(std::move(copy));
  }
  for (const config::Upstream& upstream : unsound.upstreams) {
    if (!upstream.tls) continue;
    config::Upstream copy = upstream;
    if (copy.tls->cert.value.empty() || copy.tls->key.value.empty()) {
      copy.tls->cert.value.clear();
      copy.tls->key.value.clear();
    }
    config.upstreams.push_back(std::move(copy));
  }
  return config;
}

void check_certificates(const config::Config& unsound, config::Diagnostics& diagnostics) {
  runtime::TicketKeys tickets;
  std::vector<CertificateFileFault> faults;
  (void)TlsContexts::compile(named_files(unsound), nullptr, OnBrokenFile::kRefuse, tickets, faults);
  for (const CertificateFileFault& fault : faults)
    diagnostics.error(fault.at, fault.key, fault.reason);
}

}  // namespace

void check_files(const config::Config& unsound, config::Diagnostics& diagnostics) {
  check_certificates(unsound, diagnostics);
  // Of each authenticator its file of keys alone: the rest of it may be anything.
  std::vector<config::Authenticator> with_files;
  for (const config::Authenticator& each : unsound.authenticators) {
    if (!each.jwt || each.jwt->keys.file.empty() || !each.jwt->keys.url.empty()) continue;
    config::Authenticator& copy = with_files.emplace_back();
    copy.name = each.name;
    copy.at = each.at;
    copy.jwt.emplace().keys.file = each.jwt->keys.file;
  }
  authn::KeySources sources(0);
  (void)authn::Authenticators::compile(with_files, authn::RoleTable(), sources, 0, diagnostics);
}

}  // namespace portcullis::gateway
