// Looks on while one request is decided, and stands where its upstream would: how `portcullis
// explain` asks the very code that serves. A gateway that serves has no witness.
#pragma once

#include "authn/identity.h"
#include "base/result.h"
#include "gateway/account.h"
#include "gateway/forward.h"

#include <optional>

namespace portcullis::gateway {

class Witness {
 public:
  // Authentication depends on keys that would have to be fetched. What is given is taken for its
  // outcome; nothing: the gateway goes on and asks for them.
  virtual std::optional<Result<authn::IdentityRef>> keys_wanted(const Plan& plan,
                                                                http::Exchange& exchange) = 0;
  // The request may go to its upstream, and would be sent so. The exchange stays unanswered.
  virtual void forwarded(const Forwarding& forwarding) = 0;
  // One of these comes last: it was forwarded or the gateway answered by itself; or it was refused,
  // at the step that `account` says.
  virtual void ended(const Account& account) = 0;
  virtual void refused(const Account& account, const Error& error) = 0;

 protected:
  ~Witness() = default;
};

}  // namespace portcullis::gateway
