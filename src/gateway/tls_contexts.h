// The certificates of one configuration, and the contexts of TLS that are made of them: each
// listener's and each upstream's. Immutable; what of it has not changed is shared with the one
// before.
#pragma once

#include "base/clock.h"
#include "config/config.h"
#include "runtime/certificate_files.h"
#include "runtime/tls.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::gateway {

// A certificate file that is not good, where the configuration names it.
struct CertificateFileFault {
  config::Position at;
  std::string key;     // `listeners.public.tls.client_crl`
  std::string reason;  // with the file's name
};

// A certificate file that is in use, and for how long its content is good.
struct CertificateFileFact {
  std::string file;
  std::string_view kind;  // server, client_ca, client_crl, upstream_ca, upstream_client
  config::Position at;
  std::string key;
  runtime::Validity validity;
};

// What an operator should know of it now; empty while there is nothing: 30 days before its end, for
// a revocation list at its end (they are made anew each day or week).
[[nodiscard]] std::string certificate_warning(const CertificateFileFact& fact, WallTime now);

// What becomes of a file that is broken.
enum class OnBrokenFile {
  kRefuse,  // it is a fault
  kKeepOld  // it is a fault, and what the file held before goes on being used
};

class TlsContexts {
 public:
  // `before` may be null. Faults do not end it: what could not be made is not there.
  static std::shared_ptr<const TlsContexts> compile(const config::Config& config,
                                                    const TlsContexts* before, OnBrokenFile broken,
                                                    runtime::TicketKeys& tickets,
                                                    std::vector<CertificateFileFault>& faults);

  // Null: clear text.
  [[nodiscard]] std::shared_ptr<const runtime::TlsServerContext> listener(
      const std::string& name) const;
  [[nodiscard]] std::shared_ptr<const runtime::TlsClientContext> upstream(
      const std::string& name) const;
  [[nodiscard]] const std::vector<CertificateFileFact>& facts() const { return facts_; }
  // The keys of those blocks whose context is another than in `before`, the same configuration's.
  [[nodiscard]] std::vector<std::string> changes_since(const TlsContexts& before) const;

 private:
  friend class TlsCompiler;
  TlsContexts() = default;

  // A context, and what it was made of: the same parts make the same context.
  template <typename T>
  struct Made {
    std::shared_ptr<const T> context;
    std::string parts;
  };
  std::map<std::string, Made<runtime::TlsServerContext>> listeners_;
  std::map<std::string, Made<runtime::TlsClientContext>> upstreams_;
  // As they were last read well, by the names of their files.
  std::map<std::string, std::shared_ptr<const runtime::KeyPair>> pairs_;
  std::map<std::string, std::shared_ptr<const runtime::Authorities>> authorities_;
  std::map<std::string, std::shared_ptr<const runtime::RevocationLists>> lists_;
  std::vector<CertificateFileFact> facts_;
};

// Every certificate file that the configuration names.
[[nodiscard]] std::vector<std::string> certificate_files(const config::Config& config);

}  // namespace portcullis::gateway
