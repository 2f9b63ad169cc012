#include "authn/mutual_tls.h"

namespace portcullis::authn {
namespace {

std::unexpected<Error> invalid(std::string detail) {
  return refuse(ErrorCode::kCredentialsInvalid, std::move(detail));
}

Result<std::string_view> only(const std::vector<std::string>& names [[clang::lifetimebound]],
                              std::string_view kind) {
  if (names.size() == 1) return names.front();
  if (names.empty()) return invalid("the certificate has no " + std::string(kind));
  return invalid("the certificate has " + std::to_string(names.size()) + " names of the kind " +
                 std::string(kind) + ": which of them is meant?");
}

}  // namespace

Result<std::string_view> name_in(const runtime::CertificateFacts& facts,
                                 config::CertificateName kind) {
  if (facts.has_odd_names)
    return invalid("a name in the certificate holds a control character, is malformed or too long");
  switch (kind) {
    case config::CertificateName::kUri:
      return only(facts.uris, "san.uri");
    case config::CertificateName::kDns:
      return only(facts.dns_names, "san.dns");
    case config::CertificateName::kEmail:
      return only(facts.emails, "san.email");
    case config::CertificateName::kDistinguished:
      if (facts.subject.empty()) return invalid("the certificate has no subject.dn");
      return facts.subject;
  }
  return invalid("the certificate has no name");
}

}  // namespace portcullis::authn
