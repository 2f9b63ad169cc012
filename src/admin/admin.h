// The admin listener: health, readiness, metrics and bans, on the control thread.
#pragma once

#include "admin/bans.h"
#include "base/ip.h"
#include "base/result.h"
#include "config/config.h"
#include "runtime/loop.h"
#include "runtime/task.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace portcullis::admin {

// What it shows, asked for at each request.
struct Sources {
  std::function<bool()> ready;
  std::function<std::string()> metrics;  // Prometheus text
  BanSource bans;
};

class Server {
 public:
  Server(Loop& loop, TaskGroup& tasks, Sources sources);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Takes the configuration of now on; opens or moves the socket as it says. Nothing: no admin
  // listener. Errors: kMachine; the old socket then stays.
  Result<void> configure(const config::Admin* wanted);
  [[nodiscard]] std::optional<IpEndpoint> address() const;

  // Accepts no more and ends what is idle.
  void stop();

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace portcullis::admin
