// How one target is reached: its name's addresses, and a connection made to one of them.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "config/config.h"
#include "runtime/loop.h"
#include "runtime/resolver.h"
#include "runtime/stream.h"
#include "runtime/task.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace portcullis::upstream {

class Dialer {
 public:
  // `target` as the configuration has it.
  Dialer(Loop& loop, runtime::Resolver& resolver, const config::Upstream& config,
         const std::string& target);
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;

  // A new connection, ready for a request. Each address of the name is tried, beginning at the next
  // one in turn. Errors: kUpstreamUnreachable, kTimeout, kMachine, with the target's name.
  Task<Result<std::unique_ptr<runtime::Stream>>> open(TimePoint deadline);

 private:
  Task<Result<void>> resolve();

  Loop& loop_;
  runtime::Resolver& resolver_;
  std::string name_;  // for errors
  std::string host_;
  std::uint16_t port_ = 0;
  std::vector<IpAddress> addresses_;  // of the last resolution that gave any
  TimePoint resolved_{};
  std::size_t next_address_ = 0;
};

}  // namespace portcullis::upstream
