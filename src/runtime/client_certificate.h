// The certificate that a client has shown in its handshake: what it says, and whether it still
// holds.
#pragma once

#include "base/clock.h"
#include "runtime/certificate_files.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace portcullis::runtime {

class Trust;

// What a certificate says of its owner.
struct CertificateFacts {
  std::vector<std::string> uris;       // of the subject alternative name (RFC 5280 4.2.1.6)
  std::vector<std::string> dns_names;  // the same; lower case
  std::vector<std::string> emails;     // the same
  std::string subject;                 // the distinguished name (RFC 4514), in ASCII
  // A name holds NUL, another control character, or what does not belong into such a name: two
  // readers could take it for two things. None of the names may be used.
  bool has_odd_names = false;
  Validity validity;
  std::array<std::uint8_t, 32> fingerprint{};  // SHA-256 of the certificate

  static CertificateFacts of(const x509_st& certificate);
};

// One connection's; used on its thread alone.
class ClientCertificate {
 public:
  // As a handshake verified it. `server_name` in lower case; `good_until` as Trust says it.
  ClientCertificate(CertificatePtr leaf, std::vector<CertificatePtr> intermediates,
                    std::string server_name, std::shared_ptr<const Trust> trust,
                    WallTime good_until);
  // For tests of what reads the facts alone.
  explicit ClientCertificate(CertificateFacts facts, WallTime good_until = WallTime::max())
      : facts_(std::move(facts)), good_until_(good_until) {}

  [[nodiscard]] const CertificateFacts& facts() const { return facts_; }
  // The host that the client asked for in its handshake, or empty.
  [[nodiscard]] const std::string& server_name() const { return server_name_; }

  // Judges the certificate anew when `now` is another trust than the one it was last judged by: a
  // certificate that was revoked ends being one on open connections too. Null: certificates are not
  // asked for any more. One comparison when nothing has changed.
  void keep_up_with(const std::shared_ptr<const Trust>& now) {
    if (now != trust_) judge_anew(now);
  }
  // Why it does not hold any more; empty while it does.
  [[nodiscard]] std::string why_refused(WallTime now) const;
  [[nodiscard]] bool holds(WallTime now) const { return refusal_.empty() && now < good_until_; }
  // The first end of what it stands on: its own, of a certificate above it, of a revocation list.
  [[nodiscard]] WallTime ends() const { return std::min(facts_.validity.ends, good_until_); }

  // Of the leaf, and of each certificate behind it without the self-signed root: DER in base64.
  [[nodiscard]] std::string leaf_base64() const;
  [[nodiscard]] std::vector<std::string> chain_base64() const;

 private:
  void judge_anew(const std::shared_ptr<const Trust>& now);

  CertificateFacts facts_;
  CertificatePtr leaf_;
  std::vector<CertificatePtr> intermediates_;
  std::string server_name_;
  std::shared_ptr<const Trust> trust_;
  WallTime good_until_ = WallTime::max();
  std::string refusal_;
};

}  // namespace portcullis::runtime
