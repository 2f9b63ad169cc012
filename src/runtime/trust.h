// Whose client certificates are believed: authorities, and what they have taken back (RFC 5280 6).
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "runtime/certificate_files.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>

struct stack_st_X509;
struct x509_store_st;

namespace portcullis::runtime {

// What was wrong with a certificate: a word of a closed set, for metrics, and a sentence.
struct CertificateFault {
  std::string_view word;  // `expired`, `revoked`, `unknown_issuer`, …
  std::string_view text;
};

// `verify_error` is OpenSSL's, X509_V_ERR_….
[[nodiscard]] CertificateFault certificate_fault(long verify_error);

// Immutable, and used by all workers at once.
class Trust {
 public:
  // Certificates between the leaf and the authority that is believed.
  static constexpr int kMostIntermediates = 4;
  // Of the certificates that a client sends, in bytes.
  static constexpr long kMostClientBytes = 32L * 1024;

  // Every certificate of `authorities` is believed by itself, so that an operator can name an
  // intermediate without its root. With `lists`, the leaf must be covered by a list of its issuer,
  // and the certificates above it are checked where there is a list of theirs; a list that is out
  // of date refuses whatever it covers.
  static std::shared_ptr<const Trust> make(std::shared_ptr<const Authorities> authorities,
                                           std::shared_ptr<const RevocationLists> lists);
  ~Trust();
  Trust(const Trust&) = delete;
  Trust& operator=(const Trust&) = delete;

  // The same for the same authorities and lists.
  [[nodiscard]] const std::string& digest() const { return digest_; }
  [[nodiscard]] const Authorities& authorities() const { return *authorities_; }
  // When a chain that was found good ceases to be: one of its certificates ends, or a list of one
  // of their issuers is out of date.
  [[nodiscard]] WallTime good_until(const stack_st_X509* chain) const;

  // Whether a client's certificate is good now, all checks of a handshake once more. The value is
  // good_until() of its chain. Errors: kCredentialsInvalid.
  [[nodiscard]] Result<WallTime> verify(const x509_st& leaf,
                                        std::span<const CertificatePtr> intermediates) const;

  // The same authorities, and nothing taken back.
  [[nodiscard]] std::shared_ptr<const Trust> without_lists() const {
    return make(authorities_, nullptr);
  }

  [[nodiscard]] x509_store_st* store() const { return store_; }

 private:
  Trust() = default;
  std::shared_ptr<const Authorities> authorities_;
  std::shared_ptr<const RevocationLists> lists_;
  x509_store_st* store_ = nullptr;
  std::string digest_;
};

}  // namespace portcullis::runtime
