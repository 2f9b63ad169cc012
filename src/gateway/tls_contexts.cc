#include "gateway/tls_contexts.h"

#include "runtime/trust.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace portcullis::gateway {
namespace {

constexpr std::chrono::days kAhead{30};

std::string_view remedy_of(std::string_view kind) {
  if (kind == "client_crl") return "get the next list from the authority";
  if (kind == "client_ca" || kind == "upstream_ca")
    return "add the authority's new certificate beside it";
  return "renew it";
}

std::string day_of(WallTime time) {
  return fmt::format("{:%Y-%m-%d}", std::chrono::floor<std::chrono::seconds>(time));
}

}  // namespace

std::string certificate_warning(const CertificateFileFact& fact, WallTime now) {
  const runtime::Validity& validity = fact.validity;
  if (validity.ends <= now) {
    if (fact.kind == "client_crl")
      return fmt::format("{} is out of date since {}: what it covers is refused; {}", fact.file,
                         day_of(validity.ends), remedy_of(fact.kind));
    return fmt::format("{} has expired on {}: {}", fact.file, day_of(validity.ends),
                       remedy_of(fact.kind));
  }
  if (validity.begins > now)
    return fmt::format("{} is not valid before {}: is the clock right?", fact.file,
                       day_of(validity.begins));
  if (fact.kind == "client_crl" || validity.ends - now >= kAhead) return {};
  const auto days = std::chrono::floor<std::chrono::days>(validity.ends - now).count();
  return fmt::format("{} expires on {}, in {} {}: {}", fact.file, day_of(validity.ends), days,
                     days == 1 ? "day" : "days", remedy_of(fact.kind));
}

class TlsCompiler {
 public:
  TlsCompiler(const TlsContexts* before, OnBrokenFile broken, runtime::TicketKeys& tickets,
              std::vector<CertificateFileFault>& faults)
      : before_(before), broken_(broken), tickets_(tickets), faults_(faults) {}

  std::shared_ptr<const TlsContexts> run(const config::Config& config) {
    for (const config::Listener& listener : config.listeners) {
      if (listener.tls) add_listener(listener);
    }
    for (const config::Upstream& upstream : config.upstreams) {
      if (upstream.tls) add_upstream(upstream);
    }
    return std::move(made_);
  }

 private:
  struct Place {
    config::Position at;
    std::string key;
    std::string_view kind;
  };

  // Reads a file, or takes what it held before; null when there is neither.
  template <typename T>
  std::shared_ptr<const T> take(std::map<std::string, std::shared_ptr<const T>> TlsContexts::* all,
                                const std::string& name, const std::string& file,
                                Result<std::shared_ptr<const T>> loaded, const Place& place) {
    std::shared_ptr<const T> taken;
    if (loaded) {
      taken = *std::move(loaded);
    } else {
      faults_.push_back({place.at, place.key, std::move(loaded.error().detail)});
      if (broken_ == OnBrokenFile::kRefuse || before_ == nullptr) return nullptr;
      const auto old = (before_->*all).find(name);
      if (old == (before_->*all).end()) return nullptr;
      taken = old->second;
    }
    ((*made_).*all)[name] = taken;
    made_->facts_.push_back({file, place.kind, place.at, place.key, taken->validity()});
    return taken;
  }

  std::shared_ptr<const runtime::KeyPair> take_pair(const std::string& cert, const std::string& key,
                                                    const Place& place) {
    return take(&TlsContexts::pairs_, cert + '\n' + key, cert, runtime::KeyPair::load({cert, key}),
                place);
  }
  std::shared_ptr<const runtime::Authorities> take_authorities(const std::string& file,
                                                               const Place& place) {
    return take(&TlsContexts::authorities_, file, file, runtime::Authorities::load(file), place);
  }
  std::shared_ptr<const runtime::RevocationLists> take_lists(const std::string& file,
                                                             const Place& place) {
    return take(&TlsContexts::lists_, file, file, runtime::RevocationLists::load(file), place);
  }

  // Makes a context, or takes the one before: when its parts are the same, or when the new one
  // cannot be made.
  template <typename T, typename Make>
  void add(std::map<std::string, TlsContexts::Made<T>> TlsContexts::* all, const std::string& name,
           std::string parts, const Place& place, Make make) {
    const TlsContexts::Made<T>* old = nullptr;
    if (before_ != nullptr) {
      const auto found = (before_->*all).find(name);
      if (found != (before_->*all).end()) old = &found->second;
    }
    auto& here = ((*made_).*all)[name];
    if (old != nullptr && old->parts == parts) {
      here = *old;
      return;
    }
    Result<std::shared_ptr<const T>> context = make();
    if (context) {
      here = {*std::move(context), std::move(parts)};
      return;
    }
    faults_.push_back({place.at, place.key, std::move(context.error().detail)});
    if (broken_ == OnBrokenFile::kKeepOld && old != nullptr) here = *old;
  }

  void add_listener(const config::Listener& listener) {
    const config::Tls& tls = *listener.tls;
    const std::string& name = listener.name;
    const std::string key = "listeners." + name + ".tls.";
    runtime::TlsServerOptions options;
    options.name = name;
    options.minimum = tls.minimum == config::TlsVersion::kTls13 ? runtime::TlsMinimum::kTls13
                                                                : runtime::TlsMinimum::kTls12;
    std::string parts = tls.minimum == config::TlsVersion::kTls13 ? "1.3|" : "1.2|";
    options.protocols.clear();
    for (const config::Protocol protocol : listener.protocols) {
      options.protocols.emplace_back(protocol == config::Protocol::kH2 ? "h2" : "http/1.1");
      parts += options.protocols.back() + '|';
    }
    bool whole = true;
    for (std::size_t i = 0; i < tls.certificates.size(); ++i) {
      const config::CertificateFiles& files = tls.certificates[i];
      const Place place{files.at, fmt::format("{}certificates[{}]", key, i), "server"};
      if (auto pair = take_pair(files.cert, files.key, place)) {
        parts += pair->digest();
        options.certificates.push_back(std::move(pair));
      } else {
        whole = false;
      }
    }
    whole = add_clients(tls, key, options, parts) && whole;
    if (!whole || options.certificates.empty()) return;
    const Place place{tls.certificates.front().at, key + "certificates", "server"};
    add(&TlsContexts::listeners_, name, std::move(parts), place,
        [&] { return runtime::TlsServerContext::create(std::move(options), tickets_); });
  }

  // False when a file of them could not be had.
  bool add_clients(const config::Tls& tls, const std::string& key,
                   runtime::TlsServerOptions& options, std::string& parts) {
    if (tls.client_ca.value.empty()) return true;
    auto authorities =
        take_authorities(tls.client_ca.value, {tls.client_ca.at, key + "client_ca", "client_ca"});
    std::shared_ptr<const runtime::RevocationLists> lists;
    if (!tls.client_crl.value.empty()) {
      lists =
          take_lists(tls.client_crl.value, {tls.client_crl.at, key + "client_crl", "client_crl"});
      if (lists == nullptr) return false;
    }
    if (authorities == nullptr) return false;
    options.clients = runtime::Trust::make(std::move(authorities), std::move(lists));
    parts += "|" + options.clients->digest();
    return true;
  }

  void add_upstream(const config::Upstream& upstream) {
    const std::string& name = upstream.name;
    const config::UpstreamTls& tls = *upstream.tls;
    const std::string key = "upstreams." + name + ".tls.";
    runtime::TlsClientOptions options;
    if (upstream.protocol == config::UpstreamProtocol::kHttp2) options.protocol = "h2";
    std::string parts = options.protocol + "|";
    if (!tls.ca.value.empty()) {
      options.authorities = take_authorities(tls.ca.value, {tls.ca.at, key + "ca", "upstream_ca"});
      if (options.authorities == nullptr) return;
      parts += options.authorities->digest();
    }
    if (!tls.cert.value.empty()) {
      options.certificate =
          take_pair(tls.cert.value, tls.key.value, {tls.cert.at, key + "cert", "upstream_client"});
      if (options.certificate == nullptr) return;
      parts += "|" + options.certificate->digest();
    }
    const Place place{tls.cert.at, key + "cert", "upstream_client"};
    add(&TlsContexts::upstreams_, name, std::move(parts), place,
        [&] { return runtime::TlsClientContext::create(options); });
  }

  const TlsContexts* before_;
  OnBrokenFile broken_;
  runtime::TicketKeys& tickets_;
  std::vector<CertificateFileFault>& faults_;
  std::shared_ptr<TlsContexts> made_{new TlsContexts};
};

std::shared_ptr<const TlsContexts> TlsContexts::compile(const config::Config& config,
                                                        const TlsContexts* before,
                                                        OnBrokenFile broken,
                                                        runtime::TicketKeys& tickets,
                                                        std::vector<CertificateFileFault>& faults) {
  return TlsCompiler(before, broken, tickets, faults).run(config);
}

std::shared_ptr<const runtime::TlsServerContext> TlsContexts::listener(
    const std::string& name) const {
  const auto found = listeners_.find(name);
  return found != listeners_.end() ? found->second.context : nullptr;
}

std::shared_ptr<const runtime::TlsClientContext> TlsContexts::upstream(
    const std::string& name) const {
  const auto found = upstreams_.find(name);
  return found != upstreams_.end() ? found->second.context : nullptr;
}

std::vector<std::string> TlsContexts::changes_since(const TlsContexts& before) const {
  std::vector<std::string> changes;
  for (const auto& [name, made] : listeners_) {
    if (made.context != before.listener(name)) changes.push_back("listeners." + name + ".tls");
  }
  for (const auto& [name, made] : upstreams_) {
    if (made.context != before.upstream(name)) changes.push_back("upstreams." + name + ".tls");
  }
  return changes;
}

std::vector<std::string> certificate_files(const config::Config& config) {
  std::vector<std::string> files;
  const auto add = [&](const std::string& file) {
    if (!file.empty()) files.push_back(file);
  };
  for (const config::Listener& listener : config.listeners) {
    if (!listener.tls) continue;
    for (const config::CertificateFiles& pair : listener.tls->certificates) {
      add(pair.cert);
      add(pair.key);
    }
    add(listener.tls->client_ca.value);
    add(listener.tls->client_crl.value);
  }
  for (const config::Upstream& upstream : config.upstreams) {
    if (!upstream.tls) continue;
    for (const config::Text* file : {&upstream.tls->ca, &upstream.tls->cert, &upstream.tls->key})
      add(file->value);
  }
  return files;
}

}  // namespace portcullis::gateway
