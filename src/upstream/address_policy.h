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

  // Why a connection may not go there; empty when it may.
  [[nodiscard]] std::string_view objection(const IpAddress& address) const;

 private:
  std::vector<Cidr> allowed_;
  bool is_localhost_;
};

}  // namespace portcullis::upstream
