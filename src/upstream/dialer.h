// How one target is reached: its name's addresses, or its socket, and a connection made there.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "config/config.h"
#include "http/proxy_protocol.h"
#include "runtime/loop.h"
#include "runtime/resolver.h"
#include "runtime/stream.h"
#include "runtime/task.h"
#include "upstream/address_policy.h"
#include "upstream/standing.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace portcullis::upstream {

class Dialer {
 public:
  // `target` as the configuration has it.
  Dialer(Loop& loop, runtime::Resolver& resolver, const config::Upstream& config,
         const std::string& target, Standing& standing);
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;

  // A new connection, ready for a request. Each address of the name is tried, beginning at the next
  // one in turn. `ends` is whose connection it is, where the target is told: nobody's but ours when
  // it is empty. Errors: kUpstreamUnreachable, kTimeout, kMachine, with the target's name.
  Task<Result<std::unique_ptr<runtime::Stream>>> open(
      TimePoint deadline, const std::optional<http::ProxyHeader::Ends>& ends);

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
  Error named(Error error) const;

  Loop& loop_;
  runtime::Resolver& resolver_;
  Standing& standing_;
  std::string name_;  // for errors
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
};

}  // namespace portcullis::upstream
