#include "runtime/client_certificate.h"

#include "base/ascii.h"
#include "base/check.h"
#include "runtime/trust.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <string_view>

namespace portcullis::runtime {
namespace {

// More than any name that is meant to be read; a subject is in every log line and limit.
constexpr std::size_t kMostNameBytes = 1024;

// URIs, host names and mailboxes are printable ASCII without spaces (RFC 5280 4.2.1.6).
bool is_plain(std::string_view name) {
  return !name.empty() && name.size() <= kMostNameBytes &&
         std::ranges::all_of(name, [](char c) { return c > 0x20 && c < 0x7f; });
}

void add_name(const ASN1_STRING* text, std::vector<std::string>& names, CertificateFacts& facts) {
  const std::string_view name(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                              static_cast<std::size_t>(ASN1_STRING_length(text)));
  facts.has_odd_names |= !is_plain(name);
  names.emplace_back(name);
}

void read_alternatives(const X509& certificate, CertificateFacts& facts) {
  int critical = -1;
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, &critical, nullptr));
  // There, and unreadable or there twice: nobody knows what it says.
  if (names == nullptr && critical != -1) facts.has_odd_names = true;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type == GEN_URI) {
      add_name(name->d.uniformResourceIdentifier, facts.uris, facts);
    } else if (name->type == GEN_EMAIL) {
      add_name(name->d.rfc822Name, facts.emails, facts);
    } else if (name->type == GEN_DNS) {
      add_name(name->d.dNSName, facts.dns_names, facts);
      facts.dns_names.back() = in_lower_case(facts.dns_names.back());
    }
  }
  GENERAL_NAMES_free(names);
  ERR_clear_error();
}

// Whether a part of a distinguished name holds a control character, in whatever character set.
bool has_control(const ASN1_STRING* part) {
  unsigned char* text = nullptr;
  const int size = ASN1_STRING_to_UTF8(&text, part);
  if (size < 0) return true;
  const bool found =
      std::any_of(text, text + size, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  OPENSSL_free(text);
  return found;
}

void read_subject(const X509& certificate, CertificateFacts& facts) {
  const X509_NAME* name = X509_get_subject_name(&certificate);
  for (int i = 0; i < X509_NAME_entry_count(name); ++i) {
    if (has_control(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i))))
      facts.has_odd_names = true;
  }
  BIO* out = BIO_new(BIO_s_mem());
  PC_CHECK(out != nullptr);
  // A name that cannot be written, since a part of it is not what it says it is.
  if (X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253) < 0) facts.has_odd_names = true;
  char* text = nullptr;
  const long size = BIO_get_mem_data(out, &text);
  if (size > 0) facts.subject.assign(text, static_cast<std::size_t>(size));
  BIO_free(out);
  facts.has_odd_names |= facts.subject.size() > kMostNameBytes;
  ERR_clear_error();
}

std::string base64(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  PC_CHECK(size > 0);
  std::string text((static_cast<std::size_t>(size) + 2) / 3 * 4 + 1, '\0');
  const int written = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), der, size);
  OPENSSL_free(der);
  text.resize(static_cast<std::size_t>(written));
  return text;
}

}  // namespace

CertificateFacts CertificateFacts::of(const x509_st& certificate) {
  CertificateFacts facts;
  read_alternatives(certificate, facts);
  read_subject(certificate, facts);
  facts.validity = validity_of(certificate);
  unsigned int size = 0;
  PC_CHECK(X509_digest(&certificate, EVP_sha256(), facts.fingerprint.data(), &size) == 1 &&
           size == facts.fingerprint.size());
  return facts;
}

ClientCertificate::ClientCertificate(CertificatePtr leaf, std::vector<CertificatePtr> intermediates,
                                     std::string server_name, std::shared_ptr<const Trust> trust,
                                     WallTime good_until)
    : facts_(CertificateFacts::of(*leaf)),
      leaf_(std::move(leaf)),
      intermediates_(std::move(intermediates)),
      server_name_(std::move(server_name)),
      trust_(std::move(trust)),
      good_until_(good_until) {}

std::string ClientCertificate::why_refused(WallTime now) const {
  if (!refusal_.empty()) return refusal_;
  if (now >= facts_.validity.ends) return "the certificate has expired";
  if (now >= good_until_)
    return "a certificate above it has expired, or a revocation list is out of date";
  return {};
}

void ClientCertificate::judge_anew(const std::shared_ptr<const Trust>& now) {
  const bool same = now != nullptr && trust_ != nullptr && now->digest() == trust_->digest();
  trust_ = now;
  if (same) return;
  if (now == nullptr) {
    refusal_ = "the listener asks for no client certificates any more";
    return;
  }
  Result<WallTime> verified = now->verify(*leaf_, intermediates_);
  refusal_ = verified ? std::string() : std::move(verified.error().detail);
  if (verified) good_until_ = *verified;
}

std::string ClientCertificate::leaf_base64() const { return base64(leaf_.get()); }

std::vector<std::string> ClientCertificate::chain_base64() const {
  std::vector<std::string> chain;
  chain.reserve(intermediates_.size());
  for (const CertificatePtr& one : intermediates_) chain.push_back(base64(one.get()));
  return chain;
}

}  // namespace portcullis::runtime
