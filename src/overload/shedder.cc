#include "overload/shedder.h"

#include <algorithm>
#include <cmath>

namespace portcullis::overload {
namespace {

constexpr double kSteepest = 0.5;   // the most that the limit falls by, before it is smoothed
constexpr double kSmoothing = 0.3;  // of each step of the limit
constexpr double kFall = 0.5;       // of the long-term latency towards a lower one
constexpr double kRise = 0.25;      // and towards a higher one
constexpr std::array<double, kPriorities - 1> kShares = {0.6, 0.8, 1.0};

}  // namespace

Shedder::Shedder(const config::Overload& settings, TimePoint now)
    : settings_(settings), limit_(settings.initial), opened_(now) {
  share_out();
}

void Shedder::use(const config::Overload& settings) {
  settings_ = settings;
  limit_ = std::clamp(limit_, double(settings.minimum), double(settings.maximum));
  share_out();
}

void Shedder::share_out() {
  for (std::size_t i = 0; i < kShares.size(); ++i)
    most_[i] = std::max(1U, static_cast<std::uint32_t>(limit_ * kShares[i]));
  most_.back() = settings_.maximum;
}

// Takes the window before into the long-term latency, when this is the first answer of another.
void Shedder::settle(LatencyBaseline& baseline, double microseconds) const {
  if (baseline.long_term == 0) {
    baseline = {microseconds, microseconds, window_};
    return;
  }
  if (baseline.window == window_) {
    baseline.window_least = std::min(baseline.window_least, microseconds);
    return;
  }
  const double towards = baseline.window_least - baseline.long_term;
  if (towards < 0) {
    baseline.long_term += kFall * towards;
  } else if (baseline.window == last_calm_) {
    baseline.long_term += kRise * towards;
  }
  baseline.window = window_;
  baseline.window_least = microseconds;
}

void Shedder::observe(Duration latency, LatencyBaseline& baseline, TimePoint now) {
  const double microseconds =
      std::max(1.0, std::chrono::duration<double, std::micro>(latency).count());
  settle(baseline, microseconds);
  const double slowness = microseconds / baseline.long_term;
  slowness_ = answers_ == 0 ? slowness : std::min(slowness_, slowness);
  ++answers_;
  if (answers_ >= kLeastAnswers && now - opened_ >= kWindow) close_window(now);
}

void Shedder::close_window(TimePoint now) {
  const double tolerance = settings_.tolerance / 100.0;
  const double gradient = std::clamp(tolerance / slowness_, kSteepest, 1.0);
  const double wanted = limit_ * gradient + std::sqrt(limit_);
  // What is not used says nothing of whether more would go well.
  const bool used = peak_ >= limit_ / 2;
  if (wanted < limit_ || used) limit_ += kSmoothing * (wanted - limit_);
  limit_ = std::clamp(limit_, double(settings_.minimum), double(settings_.maximum));
  share_out();
  if (peak_ <= settings_.minimum) last_calm_ = window_;
  ++window_;
  opened_ = now;
  answers_ = 0;
  peak_ = in_flight_;
}

}  // namespace portcullis::overload
