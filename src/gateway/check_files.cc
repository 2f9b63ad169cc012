#include "gateway/check_files.h"

#include "authn/authenticators.h"
#include "runtime/tls.h"

#include <utility>
#include <vector>

namespace portcullis::gateway {
namespace {

void check_certificates(const config::Listener& listener, config::Diagnostics& diagnostics) {
  runtime::TicketKeys tickets;
  for (const config::CertificateFiles& files : listener.tls->certificates) {
    if (files.cert.empty() || files.key.empty()) continue;  // which has been reported
    runtime::TlsServerOptions options;
    options.name = listener.name;
    options.certificates = {{files.cert, files.key}};
    const auto context = runtime::TlsServerContext::create(options, tickets);
    if (!context)
      diagnostics.error(files.at, "listeners." + listener.name + ".tls.certificates",
                        context.error().detail);
  }
}

}  // namespace

void check_files(const config::Config& unsound, config::Diagnostics& diagnostics) {
  for (const config::Listener& listener : unsound.listeners) {
    if (listener.tls) check_certificates(listener, diagnostics);
  }
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
