// The door of this folder: whom one route lets in, and as whom.
//
//   if (std::optional<Result<IdentityRef>> known = door.try_authenticate(caller, worker, wall,
//   now))
//     return *std::move(known);                                       // nearly always
//   co_return co_await door.authenticate(caller, worker, refresher);  // an issuer must be asked
#pragma once

#include "authn/authenticators.h"
#include "authn/identity.h"
#include "authn/key_refresher.h"
#include "authn/worker_state.h"
#include "base/clock.h"
#include "base/result.h"
#include "config/config.h"
#include "http/message.h"
#include "runtime/client_certificate.h"
#include "runtime/task.h"

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::authn {

inline constexpr std::chrono::seconds kKeyWait{5};  // how long a request waits for an issuer

// What one request shows of its caller. Borrows from the exchange.
struct Caller {
  const http::Request& request;
  IpAddress address;                          // the client's, as far as it is believed
  http::Scheme scheme = http::Scheme::kHttp;  // as the client sees it
  const runtime::ClientCertificate* certificate = nullptr;  // of the connection; null: none
};

// Immutable; shared by all workers.
class Door {
 public:
  // `names` are the route's `authenticate`: empty for a route that is open. `realm` is its API's
  // name. Two authenticators of one issuer on one route are an error at the second, as is a name
  // that nothing has.
  [[nodiscard]] static Door compile(std::shared_ptr<const Authenticators> authenticators,
                                    const std::vector<config::Text>& names, std::string_view realm,
                                    config::Diagnostics& diagnostics, std::string_view key);

  // Everybody is let in as nobody; credentials are not looked at.
  [[nodiscard]] bool open() const { return open_; }
  // A client certificate may let a caller in.
  [[nodiscard]] bool takes_certificates() const { return by_certificate_ != nullptr; }

  // Errors: kCredentialsMissing, kCredentialsInvalid, kAmbiguousCredentials (more than one
  // credential), kUnavailable (the issuer's keys are not known); where cookies carry keys also
  // kMalformedRequest (a Cookie field that breaks its grammar) and kForbidden (another site's page
  // made a browser send the cookie). The rule is that of the
  // authenticator that refused, where one did. Empty when it depends on keys that must be fetched
  // first. A token that was seen before costs no allocation and no system call.
  [[nodiscard]] std::optional<Result<IdentityRef>> try_authenticate(const Caller& caller,
                                                                    WorkerState& worker,
                                                                    WallTime wall_now,
                                                                    TimePoint now) const;

  // The same, but waits for the keys, at most kKeyWait, and then decides again. What `caller`
  // borrows from and the other arguments must outlive the task; so must this door.
  Task<Result<IdentityRef>> authenticate(Caller caller, WorkerState& worker,
                                         KeyRefresher& refresher) const;

  // Whether Caller::scheme is looked at.
  [[nodiscard]] bool takes_cookies() const { return takes_cookies_; }

  // As whom these credentials would come in if the keys that must be fetched first vouched for
  // them: their claims are checked, their signature is not. For explanations, when
  // try_authenticate() was empty; no request is let in by it. Errors: kCredentialsInvalid.
  [[nodiscard]] Result<IdentityRef> presume(const http::Fields& fields, WallTime wall_now) const;
  // The authenticators of tokens that are accepted here.
  [[nodiscard]] std::span<const Authenticator* const> issuers() const { return issuers_; }

  // The values of WWW-Authenticate that belong to an error of this door (RFC 9110 11.6.1, RFC 6750
  // 3), each for a field of its own: `Bearer realm="shop", error="invalid_token", …` and, for API
  // keys and certificates, schemes of ours: `ApiKey realm="shop", header="x-api-key"` (or
  // `cookie=`, `query=`), `ClientCertificate realm="shop"`. Empty for errors that ask for no
  // credentials.
  [[nodiscard]] std::span<const std::string> challenges(const Error& error) const;

 private:
  struct Credentials;
  struct Decision;
  Door() = default;

  [[nodiscard]] Result<Credentials> find_credentials(const Caller& caller) const;
  [[nodiscard]] Decision decide(const Caller& caller, WorkerState& worker, WallTime wall_now,
                                TimePoint now) const;
  [[nodiscard]] Decision decide_token(std::string_view token, WorkerState& worker,
                                      WallTime wall_now, TimePoint now) const;
  [[nodiscard]] Decision verify(const Authenticator& issuer, std::string_view text,
                                const jose::UnverifiedToken& token, WorkerState& worker,
                                WallTime wall_now, TimePoint now) const;
  [[nodiscard]] Result<IdentityRef> identify(const Authenticator& issuer,
                                             const jose::UnverifiedToken& token,
                                             WallTime wall_now) const;
  [[nodiscard]] Result<IdentityRef> decide_key(const PresentedKey& presented, const Caller& caller,
                                               WorkerState& worker, WallTime wall_now) const;
  [[nodiscard]] Result<IdentityRef> decide_certificate(
      const runtime::ClientCertificate& certificate, WorkerState& worker, WallTime wall_now) const;
  void add_challenges(std::string_view realm);

  bool open_ = false;
  std::shared_ptr<const Authenticators> authenticators_;
  std::vector<const Authenticator*> accepted_;
  std::vector<const Authenticator*> issuers_;  // those of accepted_ that take tokens
  KeyPlaces key_places_;                       // of those that take API keys
  bool takes_cookies_ = false;
  const Authenticator* by_certificate_ = nullptr;  // the one that takes client certificates
  std::vector<std::string> for_missing_;
  std::vector<std::string> for_invalid_token_;
  std::vector<std::string> for_ambiguous_;
};

}  // namespace portcullis::authn
