#include "gateway/snapshot.h"

#include "config/scalars.h"
#include "gateway/descriptors.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <set>

namespace portcullis::gateway {
namespace {

std::atomic<std::int64_t> living_snapshots{0};

http::ServerSettings server_settings(const config::Listener& listener) {
  http::ServerSettings settings;
  settings.head = {.size = listener.limits.head_size,
                   .fields = listener.limits.head_fields,
                   .arguments = listener.limits.query_arguments};
  settings.paths.duplicate_slashes =
      listener.paths.duplicate_slashes == config::DuplicateSlashes::kMerge
          ? http::OnDuplicateSlash::kMerge
          : http::OnDuplicateSlash::kRefuse;
  settings.paths.encoded_slash = listener.paths.encoded_slash == config::EncodedSlash::kKeep
                                     ? http::OnEncodedSlash::kKeep
                                     : http::OnEncodedSlash::kRefuse;
  settings.paths.path_parameters = listener.paths.path_parameters == config::PathParameters::kKeep
                                       ? http::OnPathParameters::kKeep
                                       : http::OnPathParameters::kRefuse;
  settings.head_timeout = listener.limits.head_timeout;
  settings.idle_timeout = listener.limits.idle_timeout;
  settings.body_timeout = listener.limits.body_timeout;
  const auto grace = listener.limits.rate_grace.value_or(listener.limits.body_timeout);
  settings.body_rate = http::MinimumRate::of(listener.limits.minimum_body_rate, grace);
  settings.send_rate = http::MinimumRate::of(listener.limits.minimum_send_rate, grace);
  return settings;
}

http2::ServerSettings http2_settings(const config::Http2Limits& limits) {
  const auto rate = [](const config::Rate& wanted) {
    return http2::FrameRate{static_cast<std::uint32_t>(std::min<std::uint64_t>(
                                wanted.count, std::numeric_limits<std::uint32_t>::max())),
                            wanted.per};
  };
  return {.streams = limits.streams,
          .continuation_frames = limits.continuation_frames,
          .resets = rate(limits.resets),
          .settings = rate(limits.settings),
          .pings = rate(limits.pings),
          .empty_frames = rate(limits.empty_frames),
          .small_frames = rate(limits.small_frames),
          .control_frames = rate(limits.control_frames)};
}

IdentityField identity_field(const std::string& name, const std::string& source) {
  using Source = IdentityField::Source;
  IdentityField field{.name = name, .source = Source::kSubject, .claim = {}};
  constexpr std::string_view kClaims = "claims.";
  if (source.starts_with(kClaims)) {
    field.source = Source::kClaim;
    field.claim = source.substr(kClaims.size());
  } else if (source == "authenticator") {
    field.source = Source::kAuthenticator;
  } else if (source == "issuer") {
    field.source = Source::kIssuer;
  } else if (source == "roles") {
    field.source = Source::kRoles;
  } else if (source == "scopes") {
    field.source = Source::kScopes;
  } else if (source == "key") {
    field.source = Source::kKey;
  }
  return field;
}

coding::Coding coding_of(config::Coding coding) {
  switch (coding) {
    case config::Coding::kBrotli:
      return coding::Coding::kBrotli;
    case config::Coding::kGzip:
      return coding::Coding::kGzip;
    case config::Coding::kZstd:
      return coding::Coding::kZstd;
  }
  return coding::Coding::kIdentity;
}

CodingPlan coding_plan(const config::OperationSettings& api, const config::OperationSettings& own) {
  CodingPlan plan;
  if (const auto& codings = own.compression ? own.compression : api.compression; codings) {
    for (const config::Coding coding : *codings) plan.responses.push_back(coding_of(coding));
  }
  if (const auto& decompress = own.decompress ? own.decompress : api.decompress; decompress) {
    plan.requests = decompress->body;
    plan.bounds = {.size = decompress->size, .ratio = decompress->ratio};
  }
  return plan;
}

}  // namespace

class SnapshotCompiler {
 public:
  SnapshotCompiler(Snapshot& snapshot, Services services, config::Diagnostics& diagnostics)
      : snapshot_(snapshot),
        config_(snapshot.config_),
        services_(services),
        diagnostics_(diagnostics) {}

  void run() {
    compile_shared();
    shapes_.reserve(config_.apis.size());
    for (const config::Api& api : config_.apis) {
      const ApiShapes& shapes = shapes_.emplace_back(api);
      for (std::size_t i = 0; i < api.routes.size(); ++i)
        compile_route(api, api.routes[i], shapes.compile(api.routes[i], i));
    }
    snapshot_.https_hosts_ = HttpsHosts(config_);
    snapshot_.ban_rules_ = overload::BanRules::compile(config_.bans, config_.trusted_proxies);
    warn_of_descriptors(config_, descriptor_limit(), diagnostics_);
    for (const config::Listener& listener : config_.listeners) compile_listener(listener);
    compile_tls();
  }

 private:
  // What all routes refer to: authenticators, roles and limits.
  void compile_shared() {
    std::vector<std::string> roles;
    for (const config::Role& role : config_.roles) roles.push_back(role.name);
    snapshot_.authenticators_ =
        authn::Authenticators::compile(config_.authenticators, authn::RoleTable(roles),
                                       services_.keys, snapshot_.revision_, diagnostics_);
    std::vector<authz::Operation> operations;
    for (const config::Api& api : config_.apis) {
      for (const config::Route& route : api.routes)
        operations.push_back({api.name, route.operation});
    }
    snapshot_.permits_ = authz::Permits::compile(config_, operations, diagnostics_);
    snapshot_.limits_ = ratelimit::Limits::compile(config_, services_.limits, diagnostics_);
  }

  void compile_route(const config::Api& api, const config::Route& route, Shape shape) {
    const config::OperationSettings& own = route.settings;
    static const std::vector<config::Text> kNobody;
    const auto& names = own.authenticate            ? *own.authenticate
                        : api.settings.authenticate ? *api.settings.authenticate
                                                    : kNobody;
    const std::string key = "apis." + api.name + ".authenticate";
    Plan plan(authn::Door::compile(snapshot_.authenticators_, names, api.name, diagnostics_, key));
    plan.api = api.name;
    plan.operation = route.operation;
    plan.full_operation = api.name + "." + route.operation;
    plan.source = diagnostics_.files().at(route.at.file) + ":" + std::to_string(route.at.line);
    plan.limits = snapshot_.limits_.select(api.settings.limits, own.limits, diagnostics_);
    plan.permit = snapshot_.permits_.find(plan.full_operation);
    plan.forward = compile_forward(api);
    plan.shape = std::move(shape);
    plan.reads_certificate = plan.door.takes_certificates() ||
                             plan.forward.client_certificate != config::ForwardCertificate::kNone;
    const auto upstream =
        std::ranges::find(config_.upstreams, api.upstream.value, &config::Upstream::name);
    plan.upstream_name = api.upstream.value;
    plan.upstream = static_cast<std::size_t>(upstream - config_.upstreams.begin());
    plan.timeout = own.timeout.value_or(api.settings.timeout.value_or(config::kDefaultTimeout));
    plan.body_size =
        own.body_size.value_or(api.settings.body_size.value_or(config::kDefaultBodySize));
    plan.retries = own.retries.value_or(api.settings.retries.value_or(config::kDefaultRetries));
    plan.coding = coding_plan(api.settings, own);
    plan.priority =
        own.priority.value_or(api.settings.priority.value_or(config::Priority::kNormal));
    const std::string rule = "apis." + api.name;
    if (api.settings.concurrency)
      plan.gates.push_back(gate(rule + ".concurrency", *api.settings.concurrency));
    if (own.concurrency)
      plan.gates.push_back(
          gate(rule + ".operations." + route.operation + ".concurrency", *own.concurrency));
    if (upstream != config_.upstreams.end() && upstream->concurrency)
      plan.upstream_gate.emplace(
          gate("upstreams." + upstream->name + ".concurrency", *upstream->concurrency));
    if (const auto& upgrades = own.upgrade ? own.upgrade : api.settings.upgrade; upgrades) {
      for (const config::Text& protocol : *upgrades) plan.upgrades.push_back(protocol.value);
    }
    plan.metrics = metrics_of(api.name, route.operation, !plan.upgrades.empty());
    snapshot_.plans_.push_back(std::move(plan));
  }

  overload::ConcurrencyGate gate(const std::string& rule, std::uint32_t most) {
    overload::ConcurrencyGates& gates = services_.gates != nullptr ? *services_.gates : own_gates_;
    std::shared_ptr<overload::ConcurrencyGate::Count>& count = gate_counts_[rule];
    if (count == nullptr) {
      count = gates.find(rule);
      services_.registry.gauge_callback(
          "portcullis_concurrent_requests", "Requests under way, where `concurrency` bounds them.",
          std::array{telemetry::Label{"of", rule}},
          [count] { return std::int64_t{count->inside.load(std::memory_order_relaxed)}; });
    }
    return {rule, most, count};
  }

  ForwardPlan compile_forward(const config::Api& api) {
    const config::Forward& forward = api.forward;
    ForwardPlan plan;
    plan.keep_authorization = forward.authorization == config::ForwardAuthorization::kKeep;
    plan.client_certificate = forward.client_certificate;
    std::set<std::string> removed;
    const auto remove = [&](const std::string& name) {
      removed.insert(config::as_cgi_reads(name));
    };
    for (const authn::KeyPlace& place : snapshot_.authenticators_->key_places().all()) {
      switch (place.kind) {
        case authn::KeyPlace::Kind::kField:
          remove(place.name);
          break;
        case authn::KeyPlace::Kind::kCookie:
          plan.removed_cookies.push_back(place.name);
          break;
        case authn::KeyPlace::Kind::kParameter:
          plan.removed_parameters.push_back(place.name);
          break;
      }
    }
    for (const auto& [name, source] : forward.identity) {
      plan.identity.push_back(identity_field(name, source.value));
      remove(name);
    }
    const config::FieldEdits& edits = api.shaping.request_headers;
    std::ranges::for_each(edits.remove, remove);
    for (const config::FieldTemplate& field : edits.set) remove(field.name);
    plan.removed.assign(removed.begin(), removed.end());
    for (const std::string& name : removed) {
      const http::FieldId id = http::identify_field(name);
      if (id != http::FieldId::kOther) plan.removed_known |= 1ULL << static_cast<unsigned>(id);
    }
    return plan;
  }

  PlanMetrics metrics_of(const std::string& api, const std::string& operation, bool upgrades) {
    PlanMetrics metrics;
    constexpr std::array<std::string_view, 5> kClasses = {"1xx", "2xx", "3xx", "4xx", "5xx"};
    for (std::size_t i = upgrades ? 0 : 1; i < kClasses.size(); ++i) {
      metrics.by_class[i] = services_.registry.counter(
          "portcullis_requests_total", "Answers sent, by class of status.",
          {{"api", api}, {"operation", operation}, {"status", kClasses[i]}});
    }
    if (!upgrades) metrics.by_class[0] = metrics.by_class[4];
    metrics.seconds = services_.registry.histogram(
        "portcullis_request_seconds", "From the first byte of a request to the last of its answer.",
        {{"api", api}, {"operation", operation}});
    return metrics;
  }

  void compile_listener(const config::Listener& listener) {
    ListenerPlan plan;
    plan.config = listener;
    plan.settings = server_settings(listener);
    plan.http2 = http2_settings(listener.http2);
    if (listener.proxy_protocol) plan.proxies = config_.trusted_proxies;
    plan.local_wanted = std::ranges::any_of(config_.upstreams, [](const config::Upstream& one) {
      return one.proxy_protocol != config::ProxyProtocol::kNone;
    });
    if (listener.tls && listener.tls->hsts) plan.hsts = hsts_value(*listener.tls->hsts);
    std::size_t index = 0;
    for (const config::Api& api : config_.apis) {
      const bool here = std::ranges::any_of(
          api.listeners, [&](const config::Text& name) { return name.value == listener.name; });
      std::vector<std::string> hosts;
      for (const config::Text& host : api.hosts) hosts.push_back(host.value);
      for (const config::Route& route : api.routes) {
        if (here) plan.router.add({hosts, api.base_path, route.path, route.methods, index});
        ++index;
      }
      const auto& cors = shapes_[static_cast<std::size_t>(&api - config_.apis.data())].cors();
      if (here) plan.cors_places.push_back({std::move(hosts), api.base_path, cors});
    }
    const bool any_cors = std::ranges::any_of(
        plan.cors_places, [](const CorsPlace& place) { return place.cors != nullptr; });
    if (!any_cors) plan.cors_places.clear();
    snapshot_.listeners_.push_back(std::move(plan));
  }

  void compile_tls() {
    std::vector<CertificateFileFault> faults;
    snapshot_.tls_ = TlsContexts::compile(config_, services_.tls_before.get(),
                                          OnBrokenFile::kRefuse, services_.tickets, faults);
    for (CertificateFileFault& fault : faults)
      diagnostics_.error(fault.at, std::move(fault.key), std::move(fault.reason));
    const WallTime now = WallClock::now();
    for (const CertificateFileFact& fact : snapshot_.tls_->facts()) {
      if (std::string warning = certificate_warning(fact, now); !warning.empty())
        diagnostics_.warning(fact.at, fact.key, std::move(warning));
    }
  }

  Snapshot& snapshot_;
  const config::Config& config_;
  Services services_;
  config::Diagnostics& diagnostics_;
  std::vector<ApiShapes> shapes_;  // in the order of the APIs
  overload::ConcurrencyGates own_gates_;
  std::map<std::string, std::shared_ptr<overload::ConcurrencyGate::Count>> gate_counts_;  // by rule
};

Snapshot::Snapshot() { living_snapshots.fetch_add(1, std::memory_order_relaxed); }
Snapshot::~Snapshot() { living_snapshots.fetch_sub(1, std::memory_order_relaxed); }

std::shared_ptr<const TlsContexts> Snapshot::tls() const {
  const std::lock_guard lock(tls_mutex_);
  return tls_;
}

void Snapshot::renew_tls(std::shared_ptr<const TlsContexts> tls) const {
  const std::lock_guard lock(tls_mutex_);
  tls_ = std::move(tls);
}

std::int64_t Snapshot::living() { return living_snapshots.load(std::memory_order_relaxed); }

std::shared_ptr<const Snapshot> Snapshot::compile(config::Config config, std::uint64_t revision,
                                                  Services services,
                                                  config::Diagnostics& diagnostics) {
  std::shared_ptr<Snapshot> snapshot(new Snapshot);
  snapshot->revision_ = revision;
  snapshot->config_ = std::move(config);
  SnapshotCompiler(*snapshot, services, diagnostics).run();
  if (!diagnostics.ok()) return nullptr;
  return snapshot;
}

}  // namespace portcullis::gateway
