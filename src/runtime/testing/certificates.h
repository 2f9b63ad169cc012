// For tests: authorities, certificates and revocation lists, made as they are needed.
#pragma once

#include "base/check.h"
#include "runtime/certificate_files.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace portcullis::runtime::testing {

// A folder of its own, gone with the test.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "portcullis-tls-XXXXXX").string();
    PC_CHECK(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  [[nodiscard]] std::string file(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

// What a certificate is to say. Times are seconds from now.
struct Wanted {
  std::string name;               // its common name, and that of its files
  std::string alternatives = {};  // `DNS:a.test,URI:spiffe://x`
  long begins = -60;
  long ends = 3600;
  bool authority = false;
  std::string usage = {};  // extended key usage; none unless said
};

class Made {
 public:
  Made(X509* certificate, EVP_PKEY* key, TlsCertificate files)
      : certificate_(certificate), key_(key), files_(std::move(files)) {}

  [[nodiscard]] X509* certificate() const { return certificate_.get(); }
  [[nodiscard]] EVP_PKEY* key() const { return key_.get(); }
  [[nodiscard]] const TlsCertificate& files() const { return files_; }
  [[nodiscard]] const std::string& cert_file() const { return files_.cert_file; }
  [[nodiscard]] std::shared_ptr<const KeyPair> pair() const {
    auto loaded = KeyPair::load(files_);
    PC_CHECK(loaded.has_value());
    return *loaded;
  }

 private:
  CertificatePtr certificate_;
  PrivateKeyPtr key_;
  TlsCertificate files_;
};

inline void extend(X509* certificate, int nid, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  PC_CHECK(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

template <typename Write>
void write_pem(const std::string& file, Write write) {
  FILE* out = std::fopen(file.c_str(), "w");
  PC_CHECK(out != nullptr && write(out) == 1);
  std::fclose(out);
}

// Signed by `issuer`, or by itself when that is null.
inline Made make_certificate(const Folder& folder, const Wanted& wanted,
                             const Made* issuer = nullptr) {
  static long serial = 1;
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  PC_CHECK(key != nullptr && certificate != nullptr);
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), wanted.begins);
  X509_gmtime_adj(X509_getm_notAfter(certificate), wanted.ends);
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(wanted.name.data()),
                             static_cast<int>(wanted.name.size()), -1, 0);
  X509_set_issuer_name(certificate,
                       issuer != nullptr ? X509_get_subject_name(issuer->certificate()) : name);
  if (!wanted.alternatives.empty()) extend(certificate, NID_subject_alt_name, wanted.alternatives);
  if (wanted.authority) {
    extend(certificate, NID_basic_constraints, "critical,CA:TRUE");
    extend(certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
  }
  if (!wanted.usage.empty()) extend(certificate, NID_ext_key_usage, wanted.usage);
  PC_CHECK(X509_sign(certificate, issuer != nullptr ? issuer->key() : key, EVP_sha256()) > 0);
  const TlsCertificate files{folder.file(wanted.name + ".pem"), folder.file(wanted.name + ".key")};
  write_pem(files.cert_file, [&](FILE* out) { return PEM_write_X509(out, certificate); });
  write_pem(files.key_file, [&](FILE* out) {
    return PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
  return {certificate, key, files};
}

// A list of `issuer`, in a file of that name: what it has taken back, and for how long it holds.
inline std::string make_list(const Folder& folder, const std::string& name, const Made& issuer,
                             const std::vector<const Made*>& revoked, long begins = -60,
                             long ends = 3600) {
  X509_CRL* list = X509_CRL_new();
  PC_CHECK(list != nullptr && X509_CRL_set_version(list, X509_CRL_VERSION_2) == 1);
  X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer.certificate()));
  ASN1_TIME* time = ASN1_TIME_new();
  X509_gmtime_adj(time, begins);
  X509_CRL_set1_lastUpdate(list, time);
  X509_gmtime_adj(time, ends);
  X509_CRL_set1_nextUpdate(list, time);
  X509_gmtime_adj(time, -30);
  for (const Made* one : revoked) {
    X509_REVOKED* entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(one->certificate()));
    X509_REVOKED_set_revocationDate(entry, time);
    X509_CRL_add0_revoked(list, entry);
  }
  ASN1_TIME_free(time);
  X509_CRL_sort(list);
  PC_CHECK(X509_CRL_sign(list, issuer.key(), EVP_sha256()) > 0);
  write_pem(folder.file(name), [&](FILE* out) { return PEM_write_X509_CRL(out, list); });
  X509_CRL_free(list);
  return folder.file(name);
}

// Several PEM files as one.
inline std::string join_files(const Folder& folder, const std::string& name,
                              const std::vector<std::string>& files) {
  std::ofstream out(folder.file(name));
  for (const std::string& file : files) out << std::ifstream(file).rdbuf();
  return folder.file(name);
}

}  // namespace portcullis::runtime::testing
