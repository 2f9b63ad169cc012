// One configuration, compiled: immutable, shared by the workers, whole. A request is decided by one
// snapshot from its first step to its last.
#pragma once

#include "authn/authenticators.h"
#include "authz/roles.h"
#include "config/config.h"
#include "config/diagnostics.h"
#include "gateway/https_hosts.h"
#include "gateway/plan.h"
#include "gateway/router.h"
#include "gateway/tls_contexts.h"
#include "http/server.h"
#include "http2/server.h"
#include "overload/bans.h"
#include "overload/concurrency_gate.h"
#include "ratelimit/table.h"
#include "runtime/tls.h"
#include "telemetry/metrics.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace portcullis::gateway {

// What outlives every snapshot, so that counts, keys and sessions carry over a reload.
struct Services {
  telemetry::Registry& registry;
  ratelimit::Table& limits;
  authn::KeySources& keys;
  runtime::TicketKeys& tickets;
  // Of the snapshot before: what of it has not changed is used again.
  std::shared_ptr<const TlsContexts> tls_before = nullptr;
  overload::ConcurrencyGates* gates = nullptr;  // null: of this snapshot alone
};

struct ListenerPlan {
  config::Listener config;
  http::ServerSettings settings;
  http2::ServerSettings http2;
  std::vector<Cidr>
      proxies;  // who must say whose connection it is, in a PROXY header; empty: nobody
  bool local_wanted = false;  // an upstream is told where connections come in
  Router router;
  std::string hsts;                    // the field's value; empty: none
  std::vector<CorsPlace> cors_places;  // empty when no API here has a rule
};

class Snapshot {
 public:
  // Everything but opening sockets. Null, with diagnostics, when anything is wrong. `revision`
  // counts configurations from 1 and is in every log line.
  static std::shared_ptr<const Snapshot> compile(config::Config config, std::uint64_t revision,
                                                 Services services,
                                                 config::Diagnostics& diagnostics);
  ~Snapshot();
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  // How many are alive in this process.
  static std::int64_t living();

  [[nodiscard]] std::uint64_t revision() const { return revision_; }
  [[nodiscard]] const config::Config& config() const { return config_; }
  [[nodiscard]] const std::vector<ListenerPlan>& listeners() const { return listeners_; }
  [[nodiscard]] const std::vector<Plan>& plans() const { return plans_; }
  [[nodiscard]] const authn::Authenticators& authenticators() const { return *authenticators_; }
  [[nodiscard]] const HttpsHosts& https_hosts() const { return https_hosts_; }
  [[nodiscard]] const authz::Permits& permits() const { return permits_; }
  [[nodiscard]] const overload::BanRules& ban_rules() const { return ban_rules_; }

  // The one thing that changes in a snapshot: its certificates, when their files do. For the
  // control thread, which tells the workers.
  [[nodiscard]] std::shared_ptr<const TlsContexts> tls() const;
  void renew_tls(std::shared_ptr<const TlsContexts> tls) const;

 private:
  friend class SnapshotCompiler;
  Snapshot();

  std::uint64_t revision_ = 0;
  config::Config config_;
  std::shared_ptr<const authn::Authenticators> authenticators_;
  authz::Permits permits_;
  ratelimit::Limits limits_;
  std::vector<Plan> plans_;
  std::vector<ListenerPlan> listeners_;
  HttpsHosts https_hosts_;
  overload::BanRules ban_rules_;
  mutable std::mutex tls_mutex_;
  mutable std::shared_ptr<const TlsContexts> tls_;
};

}  // namespace portcullis::gateway
