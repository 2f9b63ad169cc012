// One request to the admin listener of the gateway that runs with a configuration.
#pragma once

#include "base/ip.h"
#include "base/result.h"
#include "base/secret.h"

#include <string>
#include <string_view>

namespace portcullis::cli {

struct AdminListener {
  IpEndpoint address;
  Secret token;
};

struct AdminAnswer {
  int status = 0;
  std::string body;
};

// Where it listens and what opens it, as the configuration at `path` says; `address` in place of
// its own where that is not empty. Errors: kBadConfig, with text for people.
[[nodiscard]] Result<AdminListener> find_admin(const std::string& path, std::string_view address);

// `json` empty: no body. Errors: kMachine, with text for people.
[[nodiscard]] Result<AdminAnswer> call_admin(const AdminListener& admin, std::string_view method,
                                             std::string_view target, std::string_view json);

}  // namespace portcullis::cli
