// Asks targets whether they are well, at the intervals that the configuration says. One for the
// process, so that probes do not multiply with workers; what it finds is in the target's Standing.
#pragma once

#include "config/config.h"
#include "http/client_exchange.h"
#include "runtime/loop.h"
#include "runtime/resolver.h"
#include "runtime/task.h"
#include "upstream/dialer.h"
#include "upstream/standing.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace portcullis::upstream {

class Prober {
 public:
  Prober(Loop& loop, runtime::Resolver& resolver, Standings& standings);
  ~Prober();  // stopped, and no task may be running
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  // Probes what these say from now on. What is probed in the same way as before goes on with its
  // counts; what is not probed any more counts as well.
  void adopt(const std::vector<config::Upstream>& upstreams, const TlsOf& tls_of);
  // Begins no further probe; those under way end within their `timeout`.
  void stop();
  [[nodiscard]] std::size_t running() const { return tasks_.running(); }

 private:
  struct Probe;
  static Task<void> run(std::shared_ptr<Probe> probe);
  static Task<Result<void>> ask(Probe& probe);
  static Task<Result<void>> ask_http1(Probe& probe, TimePoint deadline);
  static Task<Result<void>> ask_http2(Probe& probe, TimePoint deadline);
  static Task<Result<void>> judge_answer(const Probe& probe, http::ClientExchange& exchange,
                                         const http::RequestHead& head, TimePoint deadline);

  Loop& loop_;
  runtime::Resolver& resolver_;
  Standings& standings_;
  std::map<std::string, std::shared_ptr<Probe>> probes_;  // by all that they depend on
  TaskGroup tasks_;
};

}  // namespace portcullis::upstream
