// Names to addresses by c-ares, on the loop: nothing blocks.
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
  explicit Resolver(Loop& loop);
  ~Resolver();  // every resolve() must have been awaited
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // The addresses of `name` (the hosts file first, then DNS), IPv4 before IPv6; an address literal
  // is itself. Errors: kUpstreamUnreachable, with the name and the reason. Bounded by c-ares' own
  // tries: about 10 s.
  Task<Result<std::vector<IpAddress>>> resolve(std::string name);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace portcullis::runtime
