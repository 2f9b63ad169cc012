// Certificates, private keys and revocation lists as their PEM files held them when they were read.
// Immutable, so that contexts of TLS share them and none keeps a copy.
#pragma once

#include "base/clock.h"
#include "base/result.h"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

struct evp_pkey_st;
struct x509_st;
struct X509_crl_st;

namespace portcullis::runtime {

// From `begins` on, and no longer from `ends` on. Of several things, what holds for all of them.
struct Validity {
  WallTime begins = WallTime::min();
  WallTime ends = WallTime::max();

  void narrow(const Validity& other);
};

[[nodiscard]] Validity validity_of(const x509_st& certificate);

struct CertificateFree {
  void operator()(x509_st* certificate) const;
};
struct PrivateKeyFree {
  void operator()(evp_pkey_st* key) const;
};
struct RevocationListFree {
  void operator()(X509_crl_st* list) const;
};
using CertificatePtr = std::unique_ptr<x509_st, CertificateFree>;
using PrivateKeyPtr = std::unique_ptr<evp_pkey_st, PrivateKeyFree>;
using RevocationListPtr = std::unique_ptr<X509_crl_st, RevocationListFree>;

// One more owner of the same certificate.
[[nodiscard]] CertificatePtr share(x509_st* certificate);

struct TlsCertificate {
  std::string cert_file;  // leaf first
  std::string key_file;
};

// A certificate with the chain that is sent along, and its private key.
class KeyPair {
 public:
  static constexpr std::size_t kMostCertificates = 16;

  // Errors: kBadConfig, with the file, the reason and the remedy.
  static Result<std::shared_ptr<const KeyPair>> load(const TlsCertificate& files);

  [[nodiscard]] const TlsCertificate& files() const { return files_; }
  [[nodiscard]] const Validity& validity() const { return validity_; }
  // The same for the same content, whatever the files are called.
  [[nodiscard]] const std::string& digest() const { return digest_; }
  // Host names of the leaf, in lower case; may be `*.example.com`.
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  [[nodiscard]] x509_st* leaf() const { return certificates_.front().get(); }
  // What stands behind the leaf.
  [[nodiscard]] const std::vector<CertificatePtr>& certificates() const { return certificates_; }
  [[nodiscard]] evp_pkey_st* key() const { return key_.get(); }

 private:
  KeyPair() = default;
  TlsCertificate files_;
  std::vector<CertificatePtr> certificates_;  // leaf first
  PrivateKeyPtr key_;
  Validity validity_;
  std::string digest_;
  std::vector<std::string> names_;
};

// What a client would show: the leaf, and what stands behind it in the file. Errors: kBadConfig,
// with the file and the reason.
[[nodiscard]] Result<std::vector<CertificatePtr>> load_shown_certificates(const std::string& file);

// Certificates that are believed, and what they sign with them.
class Authorities {
 public:
  static constexpr std::size_t kMostCertificates = 1000;

  // Errors: kBadConfig, with the file, the reason and the remedy.
  static Result<std::shared_ptr<const Authorities>> load(const std::string& file);

  [[nodiscard]] const Validity& validity() const { return validity_; }
  [[nodiscard]] const std::string& digest() const { return digest_; }
  [[nodiscard]] const std::vector<CertificatePtr>& certificates() const { return certificates_; }

 private:
  Authorities() = default;
  std::vector<CertificatePtr> certificates_;
  Validity validity_;
  std::string digest_;
};

// What authorities have taken back (RFC 5280 5).
class RevocationLists {
 public:
  static constexpr std::size_t kMostLists = 1000;

  // A list that does not say when the next one comes is refused: nobody could tell when it is out
  // of date. Errors: kBadConfig, with the file, the reason and the remedy.
  static Result<std::shared_ptr<const RevocationLists>> load(const std::string& file);

  [[nodiscard]] const Validity& validity() const { return validity_; }
  [[nodiscard]] const std::string& digest() const { return digest_; }
  struct List {
    RevocationListPtr crl;
    Validity validity;
  };
  [[nodiscard]] const std::vector<List>& lists() const { return lists_; }

 private:
  RevocationLists() = default;
  std::vector<List> lists_;
  Validity validity_;
  std::string digest_;
};

}  // namespace portcullis::runtime
