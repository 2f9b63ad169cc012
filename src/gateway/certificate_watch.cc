#include "gateway/certificate_watch.h"

#include <array>
#include <sys/stat.h>

namespace portcullis::gateway {
namespace {

constexpr std::string_view kMetric = "portcullis_certificate_expiry_timestamp_seconds";

std::array<telemetry::Label, 2> labels_of(const std::pair<std::string, std::string>& which) {
  return {{{"file", which.first}, {"kind", which.second}}};
}

}  // namespace

std::vector<std::int64_t> stamps_of_files(const std::vector<std::string>& files) {
  std::vector<std::int64_t> stamps;
  for (const std::string& file : files) {
    struct stat status{};
    if (stat(file.c_str(), &status) != 0) {
      stamps.push_back(-1);
      continue;
    }
    stamps.push_back(status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec);
    stamps.push_back(status.st_size);
    stamps.push_back(static_cast<std::int64_t>(status.st_ino));
  }
  return stamps;
}

void CertificateWatch::adopt(std::shared_ptr<const Snapshot> snapshot,
                             std::vector<std::string> config_files) {
  snapshot_ = std::move(snapshot);
  config_files_ = std::move(config_files);
  files_ = certificate_files(snapshot_->config());
  // Should a file have changed since it was read, the next look but one reads it again.
  taken_.clear();
  seen_.clear();
  broken_.clear();
  publish();
  // What is about to end was said when the configuration was compiled.
  warned_.clear();
  const WallTime now = WallClock::now();
  for (const CertificateFileFact& fact : snapshot_->tls()->facts())
    warned_.insert(certificate_warning(fact, now));
}

void CertificateWatch::look(WallTime now, const std::function<void()>& take) {
  warn_of_ends(now);
  if (files_.empty()) return;
  std::vector<std::int64_t> stamps = stamps_of_files(files_);
  // Files that are being written, or replaced one after the other, are left in peace.
  const bool still = stamps == seen_;
  seen_ = std::move(stamps);
  if (!still || seen_ == taken_) return;
  taken_ = seen_;
  renew(now, take);
}

void CertificateWatch::renew(WallTime now, const std::function<void()>& take) {
  const std::shared_ptr<const TlsContexts> before = snapshot_->tls();
  std::vector<CertificateFileFault> faults;
  const std::shared_ptr<const TlsContexts> fresh = TlsContexts::compile(
      snapshot_->config(), before.get(), OnBrokenFile::kKeepOld, tickets_, faults);
  std::set<std::string> broken;
  for (const CertificateFileFault& fault : faults) {
    if (broken.insert(fault.reason).second && !broken_.contains(fault.reason)) report(fault);
  }
  broken_ = std::move(broken);
  snapshot_->renew_tls(fresh);
  const std::vector<std::string> changes = fresh->changes_since(*before);
  if (changes.empty()) return;
  take();
  for (const std::string& key : changes) log_.info("certificates_renewed", {{"key", key}});
  publish();
  warn_of_ends(now);
}

void CertificateWatch::report(const CertificateFileFault& fault) {
  log_.error("certificate_not_renewed",
             {{"place", place_of(fault.at)},
              {"key", fault.key},
              {"reason", fault.reason},
              {"remedy", "what was there before is still in use: write a good file in its place"}});
}

void CertificateWatch::warn_of_ends(WallTime now) {
  for (const CertificateFileFact& fact : snapshot_->tls()->facts()) {
    const std::string warning = certificate_warning(fact, now);
    // Days pass: each day says it once more, and nobody wants it more often.
    if (warning.empty() || !warned_.insert(warning).second) continue;
    log_.warning("certificate_ends",
                 {{"place", place_of(fact.at)}, {"key", fact.key}, {"message", warning}});
  }
}

void CertificateWatch::publish() {
  std::map<std::pair<std::string, std::string>, std::int64_t> wanted;
  for (const CertificateFileFact& fact : snapshot_->tls()->facts()) {
    const auto ends = std::chrono::floor<std::chrono::seconds>(fact.validity.ends);
    wanted[{fact.file, std::string(fact.kind)}] = ends.time_since_epoch().count();
  }
  std::erase_if(ends_, [&](const auto& entry) {
    if (wanted.contains(entry.first)) return false;
    registry_.forget_callback(kMetric, labels_of(entry.first));
    return true;
  });
  for (const auto& [which, value] : wanted) {
    auto& shared = ends_[which];
    if (shared == nullptr) {
      shared = std::make_shared<std::atomic<std::int64_t>>(value);
      registry_.gauge_callback(kMetric, "When the first certificate, or list, in a file ends.",
                               labels_of(which),
                               [kept = shared] { return kept->load(std::memory_order_relaxed); });
    }
    shared->store(value, std::memory_order_relaxed);
  }
}

std::string CertificateWatch::place_of(const config::Position& at) const {
  if (at.file >= config_files_.size()) return {};
  return config_files_[at.file] + ":" + std::to_string(at.line);
}

}  // namespace portcullis::gateway
