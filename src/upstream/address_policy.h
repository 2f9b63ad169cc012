// Where the name of a target may lead. DNS is asked again and again, and whoever answers for a name
// could point it at the gateway's own machine, or at what tells a machine in a cloud its secrets.
#pragma once

#include "base/ip.h"

#include <string_view>
#include <vector>

namespace portcullis::upstream {

class AddressPolicy {
 public:
  // `allowed`, where there is any, is all that `name` may resolve to. Loopback, link-local and the
  // addresses of cloud metadata are refused all the same, unless an entry lies within them: a list
  // of everything does not mean them. `localhost` and what is below it may be loopback.
  AddressPolicy(std::string_view name, std::vector<Cidr> allowed);

  // Why a connection may not go there; empty when it may. An address of IPv6 that leads to one of
  // IPv4 (NAT64, 6to4, Teredo) is judged by that one.
  [[nodiscard]] std::string_view objection(const IpAddress& given) const;

 private:
  // The same of `address`, one that a connection to `given` may lead to.
  [[nodiscard]] std::string_view objection_to(const IpAddress& address,
                                              const IpAddress& given) const;

  std::vector<Cidr> allowed_;
  bool is_localhost_;
};

}  // namespace portcullis::upstream
