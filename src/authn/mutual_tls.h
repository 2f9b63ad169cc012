// Client certificates as credentials: the one name in it that is the caller's.
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "runtime/client_certificate.h"

#include <string>
#include <string_view>
#include <vector>

namespace portcullis::authn {

struct MutualTlsAuthenticator {
  config::CertificateName subject = config::CertificateName::kUri;
  std::vector<std::string> roles;
};

// The name of that kind; borrows from `facts`. A certificate with none is not meant for this, and
// of several nobody could say which is meant. Errors: kCredentialsInvalid.
[[nodiscard]] Result<std::string_view> name_in(const runtime::CertificateFacts& facts
                                               [[clang::lifetimebound]],
                                               config::CertificateName kind);

}  // namespace portcullis::authn
