// How one target is reached: its name's addresses, or its socket, and a connection made there.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "config/config.h"
#include "http/proxy_protocol.h"
#include "http2/client_session.h"
#include "runtime/loop.h"
#include "runtime/resolver.h"
#include "runtime/stream.h"
#include "runtime/task.h"
#include "runtime/tls.h"
#include "upstream/address_policy.h"
#include "upstream/standing.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace portcullis::upstream {

// What TLS to an upstream is spoken with, by the upstream's name; null: clear text.
using TlsOf = std::function<std::shared_ptr<const runtime::TlsClientContext>(const std::string&)>;

class Dialer {
 public:
  // `target` as the configuration has it. `tls` is null for clear text.
  Dialer(Loop& loop, runtime::Resolver& resolver, const config::Upstream& config,
         const std::string& target, Standing& standing,
         std::shared_ptr<const runtime::TlsClientContext> tls);
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;

  // A new connection, ready for a request. Each address of the name is tried, beginning at the next
  // one in turn. `ends` is whose connection it is, where the target is told: nobody's but ours when
  // it is empty. Under TLS, its handshake is made and the target verified. Errors:
  // kUpstreamUnreachable, kTimeout, kMachine, kClosed, with the target's name.
  Task<Result<std::unique_ptr<runtime::Stream>>> open(
      TimePoint deadline, const std::optional<http::ProxyHeader::Ends>& ends);

  // The same for a target that speaks HTTP/2: a session that may be used. Its tasks are spawned in
  // `tasks`. Errors: as above, kUpstreamBroken when the target does not speak it.
  Task<Result<std::shared_ptr<http2::ClientSession>>> open_session(TimePoint deadline,
                                                                   TaskGroup& tasks);

  // The target is told whose connection it is: no other client's requests may go over it.
  [[nodiscard]] bool tells_client() const { return proxy_protocol_.has_value(); }
  // Takes up what has become known of the name; true when its addresses are others.
  bool refresh();
  // Whether a connection that was made to `address` would still be made.
  [[nodiscard]] bool leads_to(const IpAddress& address) const;
  // What HTTP calls the target: `host:port`, or `localhost` behind a socket.
  [[nodiscard]] std::string authority() const;

 private:
  Task<Result<void>> resolve(TimePoint deadline);
  bool take(const runtime::Resolver::Addresses& answer);
  Task<Result<std::unique_ptr<runtime::Stream>>> open_socket(TimePoint deadline);
  [[nodiscard]] Error named(Error error) const;
  Loop& loop_;
  runtime::Resolver& resolver_;
  Standing& standing_;
  std::string name_;  // for errors
  bool http2_ = false;
  std::optional<http::ProxyVersion> proxy_protocol_;
  std::string path_;  // of a socket; empty: host_ and port_ say
  std::string host_;
  std::uint16_t port_ = 0;
  bool literal_ = false;  // host_ is an address: it is never asked for
  AddressPolicy policy_;
  runtime::Resolver::Addresses answer_;  // the last that was looked at
  std::vector<IpAddress> addresses_;     // what of the last good one may be used
  std::string objection_;                // why nothing of the last answer may
  std::size_t next_address_ = 0;
  std::shared_ptr<const runtime::TlsClientContext> tls_;
  std::string server_name_;
  std::shared_ptr<runtime::TlsResumption> resumption_;
};

}  // namespace portcullis::upstream
