#include "upstream/pools.h"

#include <cstdint>
#include <set>

namespace portcullis::upstream {

// A context of TLS is known by its address: a target holds its own for as long as it lives.
std::string Pools::key_of(const config::Upstream& upstream, const std::string& target,
                          const runtime::TlsClientContext* tls) {
  std::string key = upstream.name + "|" + target + "|" +
                    std::to_string(static_cast<int>(upstream.proxy_protocol)) +
                    std::to_string(static_cast<int>(upstream.protocol));
  for (const Cidr& range : upstream.allow_addresses)
    key += "|" + range.address.to_string() + "/" + std::to_string(range.bits);
  if (tls != nullptr && upstream.tls)
    key += "|tls|" + std::to_string(reinterpret_cast<std::uintptr_t>(tls)) + "|" +
           upstream.tls->server_name;
  return key;
}

std::shared_ptr<Target> Pools::find_or_make(
    const config::Upstream& upstream, const std::string& target,
    const std::shared_ptr<const runtime::TlsClientContext>& tls) {
  std::weak_ptr<Target>& known = targets_[key_of(upstream, target, tls.get())];
  std::shared_ptr<Target> found = known.lock();
  std::shared_ptr<Standing> standing = standings_.find(upstream.name, target);
  // One that had left the configuration, and is not gone yet, stands as it stood then.
  if (found == nullptr || found->standing() != standing.get()) {
    if (found != nullptr) found->retire();
    found = std::make_shared<Target>(loop_, resolver_, upstream, target, std::move(standing), tls,
                                     tasks_);
    known = found;
  }
  found->serve(upstream);
  return found;
}

std::vector<std::shared_ptr<Upstream>> Pools::adopt(const std::vector<config::Upstream>& upstreams,
                                                    const TlsOf& tls_of) {
  std::vector<std::shared_ptr<Upstream>> made;
  std::set<const Target*> serving;
  for (const config::Upstream& config : upstreams) {
    std::vector<std::shared_ptr<Target>> targets;
    const auto tls = config.tls ? tls_of(config.name) : nullptr;
    for (const config::Text& target : config.targets) {
      targets.push_back(find_or_make(config, target.value, tls));
      serving.insert(targets.back().get());
    }
    made.push_back(std::make_shared<Upstream>(loop_, config, std::move(targets)));
  }
  for (const auto& [key, known] : targets_) {
    const std::shared_ptr<Target> target = known.lock();
    if (target != nullptr && !serving.contains(target.get())) target->retire();
  }
  return made;
}

Task<void> Pools::finish() {
  for (const auto& [key, known] : targets_) {
    if (const std::shared_ptr<Target> target = known.lock()) target->retire();
  }
  co_await tasks_.join();
}

void Pools::sweep(TimePoint now) {
  for (const auto& [key, known] : targets_) {
    if (const std::shared_ptr<Target> target = known.lock()) target->close_idle(now);
  }
  std::erase_if(targets_, [](const auto& entry) { return entry.second.expired(); });
}

}  // namespace portcullis::upstream
