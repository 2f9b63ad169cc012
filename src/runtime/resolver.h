// Names to addresses by c-ares, on the loop: nothing blocks, and nobody waits for a name of which
// something is known.
#pragma once

#include "base/clock.h"
#include "base/ip.h"
#include "base/result.h"
#include "runtime/task.h"

#include <memory>
#include <string>
#include <vector>

namespace portcullis {
class Loop;
}

namespace portcullis::runtime {

class Resolver {
 public:
  // An answer of at most 64 addresses, IPv4 before IPv6. The same object for as long as a name's
  // addresses are the same.
  using Addresses = std::shared_ptr<const std::vector<IpAddress>>;

  // Asks `servers`, or those of /etc/resolv.conf where there are none; the hosts file comes first.
  explicit Resolver(Loop& loop, std::vector<IpEndpoint> servers = {});
  ~Resolver();  // every resolve() must have been awaited
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Other servers from now on; what is under way is asked again of them.
  void use_servers(const std::vector<IpEndpoint>& servers);

  // What is known of `name`; null when nothing is. An answer whose time (its TTL, but a second at
  // least and five minutes at most) has passed is still given, and the name asked for again aside;
  // it goes on to be given for as long as no other answer can be had.
  [[nodiscard]] Addresses known(const std::string& name);

  // The same, and when nothing is known, waits for the answer. However many wait, the name is asked
  // for once; one that has just failed is not asked for again for a second. An address literal is
  // itself. Errors: kUpstreamUnreachable, with the name and the reason; kTimeout.
  Task<Result<Addresses>> resolve(std::string name, TimePoint deadline);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace portcullis::runtime
