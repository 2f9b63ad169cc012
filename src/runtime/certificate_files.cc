#include "runtime/certificate_files.h"

#include "base/ascii.h"
#include "base/check.h"
#include "base/secret.h"
#include "runtime/openssl_error.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string_view>

namespace portcullis::runtime {
namespace {

// A revocation list of a large authority has some megabytes; nothing else comes near.
constexpr std::size_t kMostFileBytes = std::size_t{64} * 1024 * 1024;

std::unexpected<Error> bad(const std::string& what, const std::string& file,
                           const std::string& why) {
  return fail(ErrorCode::kBadConfig, what + " " + file + ": " + why);
}

Result<std::string> read_file(const std::string& what, const std::string& file) {
  const auto close = [](std::FILE* open) { (void)std::fclose(open); };
  const std::unique_ptr<std::FILE, decltype(close)> in(std::fopen(file.c_str(), "rbe"), close);
  if (!in) return bad(what, file, std::strerror(errno));
  std::string text;
  std::array<char, std::size_t{16} * 1024> chunk{};
  while (std::feof(in.get()) == 0) {
    const std::size_t got = std::fread(chunk.data(), 1, chunk.size(), in.get());
    if (std::ferror(in.get()) != 0) return bad(what, file, std::strerror(errno));
    text.append(chunk.data(), got);
    if (text.size() > kMostFileBytes) return bad(what, file, "larger than 64 MiB");
  }
  wipe(chunk.data(), chunk.size());  // it may have been a key
  return text;
}

struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using BioPtr = std::unique_ptr<BIO, BioFree>;

BioPtr reader_of(std::string_view text) {
  BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  PC_CHECK(bio != nullptr);
  return bio;
}

// Nobody is asked for a password: a server has no one at its keyboard.
int no_password(char*, int, int, void*) { return -1; }

// True when reading ended since there was nothing more, and not at something broken.
bool read_to_end() {
  const unsigned long last = ERR_peek_last_error();
  const bool ended =
      ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
  if (ended) ERR_clear_error();
  return ended;
}

Result<std::vector<CertificatePtr>> read_certificates(const std::string& what,
                                                      const std::string& file,
                                                      std::string_view text, std::size_t most) {
  std::vector<CertificatePtr> certificates;
  const BioPtr bio = reader_of(text);
  ERR_clear_error();
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, &no_password, nullptr)) {
    certificates.emplace_back(next);
    if (certificates.size() > most)
      return bad(what, file, "more than " + std::to_string(most) + " certificates");
  }
  if (!read_to_end()) return bad(what, file, openssl_reason());
  if (certificates.empty())
    return bad(what, file, "no certificate in it: expected PEM, `-----BEGIN CERTIFICATE-----`");
  return certificates;
}

std::string digest_of(std::string_view first, std::string_view second = {}) {
  std::string text(first);
  text += '\n';
  text += second;
  std::array<unsigned char, 32> digest{};
  PC_CHECK(EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) ==
           1);
  wipe(text.data(), text.size());
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// The wall clock counts nanoseconds and ends in 2262; certificates may go on to 9999.
WallTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  PC_CHECK(time != nullptr);
  if (ASN1_TIME_to_tm(time, &parts) != 1) return WallTime::min();
  const std::chrono::seconds since_epoch(timegm(&parts));
  using Seconds = std::chrono::seconds;
  if (since_epoch >= std::chrono::floor<Seconds>(WallTime::max().time_since_epoch()))
    return WallTime::max();
  if (since_epoch <= std::chrono::ceil<Seconds>(WallTime::min().time_since_epoch()))
    return WallTime::min();
  return WallTime(since_epoch);
}

// What the certificate is for: its DNS names, or its common name when it has none.
std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> names;
  auto* alternatives = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives, i);
    if (name->type != GEN_DNS) continue;
    names.push_back(
        in_lower_case({reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                       static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))}));
  }
  GENERAL_NAMES_free(alternatives);
  if (!names.empty()) return names;
  std::array<char, 256> common{};
  if (X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, common.data(),
                                common.size()) > 0) {
    names.push_back(in_lower_case(common.data()));
  }
  return names;
}

Result<PrivateKeyPtr> read_key(const std::string& file, std::string_view text) {
  const BioPtr bio = reader_of(text);
  ERR_clear_error();
  PrivateKeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_password, nullptr));
  if (key != nullptr) return key;
  if (text.contains("ENCRYPTED")) {
    ERR_clear_error();
    return bad("key", file, "it is encrypted: keep it in clear, in a file that we alone can read");
  }
  if (!text.contains("PRIVATE KEY")) {
    ERR_clear_error();
    return bad("key", file, "no private key in it: expected PEM, `-----BEGIN PRIVATE KEY-----`");
  }
  return bad("key", file, openssl_reason());
}

}  // namespace

void Validity::narrow(const Validity& other) {
  begins = std::max(begins, other.begins);
  ends = std::min(ends, other.ends);
}

Validity validity_of(const x509_st& certificate) {
  return {time_of(X509_get0_notBefore(&certificate)), time_of(X509_get0_notAfter(&certificate))};
}

void CertificateFree::operator()(x509_st* certificate) const { X509_free(certificate); }
void PrivateKeyFree::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }
void RevocationListFree::operator()(X509_crl_st* list) const { X509_CRL_free(list); }

CertificatePtr share(x509_st* certificate) {
  PC_CHECK(X509_up_ref(certificate) == 1);
  return CertificatePtr(certificate);
}

Result<std::shared_ptr<const KeyPair>> KeyPair::load(const TlsCertificate& files) {
  std::shared_ptr<KeyPair> pair(new KeyPair);
  pair->files_ = files;
  PC_TRY(const std::string certificates, read_file("certificate", files.cert_file));
  PC_TRY(pair->certificates_,
         read_certificates("certificate", files.cert_file, certificates, kMostCertificates));
  PC_TRY(std::string key, read_file("key", files.key_file));
  Result<PrivateKeyPtr> read = read_key(files.key_file, key);
  pair->digest_ = digest_of(certificates, key);
  wipe(key.data(), key.size());
  if (!read) return std::unexpected(std::move(read).error());
  pair->key_ = *std::move(read);
  if (X509_check_private_key(pair->leaf(), pair->key()) != 1) {
    ERR_clear_error();
    return bad("key", files.key_file,
               "it does not belong to the first certificate in " + files.cert_file);
  }
  for (const CertificatePtr& certificate : pair->certificates_)
    pair->validity_.narrow(validity_of(*certificate));
  pair->names_ = names_of(pair->leaf());
  return pair;
}

Result<std::vector<CertificatePtr>> load_shown_certificates(const std::string& file) {
  const std::string what = "certificate";
  PC_TRY(const std::string text, read_file(what, file));
  return read_certificates(what, file, text, KeyPair::kMostCertificates);
}

Result<std::shared_ptr<const Authorities>> Authorities::load(const std::string& file) {
  std::shared_ptr<Authorities> authorities(new Authorities);
  PC_TRY(const std::string text, read_file("authorities", file));
  PC_TRY(authorities->certificates_,
         read_certificates("authorities", file, text, kMostCertificates));
  authorities->digest_ = digest_of(text);
  for (const CertificatePtr& certificate : authorities->certificates_)
    authorities->validity_.narrow(validity_of(*certificate));
  return authorities;
}

Result<std::shared_ptr<const RevocationLists>> RevocationLists::load(const std::string& file) {
  const std::string what = "revocation lists";
  std::shared_ptr<RevocationLists> lists(new RevocationLists);
  PC_TRY(const std::string text, read_file(what, file));
  lists->digest_ = digest_of(text);
  const BioPtr bio = reader_of(text);
  ERR_clear_error();
  while (X509_CRL* next = PEM_read_bio_X509_CRL(bio.get(), nullptr, &no_password, nullptr)) {
    RevocationListPtr list(next);
    if (lists->lists_.size() == kMostLists)
      return bad(what, file, "more than " + std::to_string(kMostLists) + " lists");
    const ASN1_TIME* ends = X509_CRL_get0_nextUpdate(next);
    if (ends == nullptr)
      return bad(what, file, "a list without nextUpdate: nobody could tell when it is out of date");
    const Validity validity{time_of(X509_CRL_get0_lastUpdate(next)), time_of(ends)};
    lists->validity_.narrow(validity);
    lists->lists_.push_back({std::move(list), validity});
  }
  if (!read_to_end()) return bad(what, file, openssl_reason());
  if (lists->lists_.empty())
    return bad(what, file, "no list in it: expected PEM, `-----BEGIN X509 CRL-----`");
  return lists;
}

}  // namespace portcullis::runtime
