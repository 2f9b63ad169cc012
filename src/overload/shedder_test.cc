#include "overload/shedder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <queue>
#include <random>
#include <vector>

namespace portcullis::overload {
namespace {

using config::Priority;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

const TimePoint kStart{seconds(1000)};

// A server behind the gateway: `servers` requests at once, the others in a queue, first come first
// served. Time is simulated, and chance has a seed.
class Simulation {
 public:
  struct Outcome {
    std::uint64_t offered = 0;
    std::uint64_t shed = 0;
    std::uint64_t answered = 0;
    std::vector<Duration> latencies;
    [[nodiscard]] double shed_share() const {
      return double(shed) / double(std::max<std::uint64_t>(1, offered));
    }
    [[nodiscard]] Duration percentile(double p) {
      std::ranges::sort(latencies);
      return latencies.empty() ? Duration{}
                               : latencies[std::size_t(p * double(latencies.size() - 1))];
    }
  };

  Simulation(Shedder* shedder, std::size_t servers, Duration service)
      : shedder_(shedder), servers_(servers), service_(service) {}

  void set_service(Duration service) { service_ = service; }

  // Runs for `lasting` with arrivals of each priority a second; counts what arrives behind
  // `settle`.
  std::array<Outcome, kPriorities> run(Duration lasting, std::array<double, kPriorities> rates,
                                       Duration settle = Duration{}) {
    std::array<Outcome, kPriorities> outcomes;
    outcomes_ = &outcomes;
    counted_from_ = now_ + settle;
    const TimePoint end = now_ + lasting;
    for (std::size_t i = 0; i < kPriorities; ++i)
      if (rates[i] > 0) schedule_arrival(i, rates[i], end);
    while (!events_.empty() && events_.top().at <= end) step();
    const TimePoint last = end;
    std::priority_queue<Event> rest;
    for (; !events_.empty(); events_.pop()) {
      if (events_.top().kind == Event::Kind::kEnd) rest.push(events_.top());
    }
    events_ = std::move(rest);
    now_ = last;
    outcomes_ = nullptr;
    return outcomes;
  }
  [[nodiscard]] std::size_t queued() const { return queue_.size(); }

 private:
  struct Request {
    TimePoint arrived;
    std::size_t priority;
  };
  struct Event {
    enum class Kind { kArrival, kEnd };
    TimePoint at;
    Kind kind;
    Request request;
    double rate;
    TimePoint until;
    bool operator<(const Event& other) const { return at > other.at; }
  };

  double chance() { return std::generate_canonical<double, 32>(random_); }
  void schedule_arrival(std::size_t priority, double rate, TimePoint until) {
    const auto gap = microseconds(std::int64_t(-std::log(1 - chance()) / rate * 1e6));
    if (now_ + gap < until)
      events_.push({now_ + gap, Event::Kind::kArrival, {now_ + gap, priority}, rate, until});
  }
  void serve(const Request& request) {
    ++busy_;
    // Half of it always, the other half by chance: what real requests of one operation do.
    const auto half = std::chrono::duration_cast<microseconds>(service_).count() / 2;
    const auto takes = microseconds(half + std::int64_t(-std::log(1 - chance()) * double(half)));
    events_.push({now_ + takes, Event::Kind::kEnd, request, 0, {}});
  }
  void arrive(const Request& request) {
    const bool counts = now_ >= counted_from_;
    Outcome& outcome = (*outcomes_)[request.priority];
    outcome.offered += counts ? 1 : 0;
    if (shedder_ != nullptr) {
      if (!shedder_->admits(static_cast<Priority>(request.priority))) {
        outcome.shed += counts ? 1 : 0;
        return;
      }
      shedder_->begin();
    }
    if (busy_ < servers_)
      serve(request);
    else
      queue_.push_back(request);
  }
  void finish(const Request& request) {
    --busy_;
    if (shedder_ != nullptr) {
      shedder_->observe(now_ - request.arrived, baseline_, now_);
      shedder_->end();
    }
    if (outcomes_ != nullptr && request.arrived >= counted_from_) {
      Outcome& outcome = (*outcomes_)[request.priority];
      ++outcome.answered;
      outcome.latencies.push_back(now_ - request.arrived);
    }
    if (queue_.empty()) return;
    const Request next = queue_.front();
    queue_.pop_front();
    serve(next);
  }
  void step() {
    const Event event = events_.top();
    events_.pop();
    now_ = event.at;
    if (event.kind == Event::Kind::kEnd) return finish(event.request);
    schedule_arrival(event.request.priority, event.rate, event.until);
    arrive(event.request);
  }

  Shedder* shedder_;
  std::size_t servers_;
  Duration service_;
  std::mt19937 random_{42};
  TimePoint now_ = kStart;
  TimePoint counted_from_;
  std::priority_queue<Event> events_;
  std::deque<Request> queue_;
  std::size_t busy_ = 0;
  LatencyBaseline baseline_;
  std::array<Outcome, kPriorities>* outcomes_ = nullptr;
};

constexpr config::Overload kSettings{.shed = true};
constexpr std::size_t kServers = 20;
constexpr milliseconds kService{10};
constexpr double kCapacity = 2000;  // requests a second

TEST(Shedder, ShedsNothingWhileThereIsRoom) {
  Shedder shedder(kSettings, kStart);
  Simulation simulation(&shedder, kServers, kService);
  auto outcome = simulation.run(seconds(60), {0, kCapacity * 0.7, 0, 0})[1];
  EXPECT_LT(outcome.shed_share(), 0.001);
  EXPECT_LT(outcome.percentile(0.99), milliseconds(60));
}

TEST(Shedder, KeepsTheServerBusyAndItsQueueShortWhenTwiceTooMuchComes) {
  Shedder shedder(kSettings, kStart);
  Simulation simulation(&shedder, kServers, kService);
  simulation.run(seconds(10), {0, kCapacity * 0.3, 0, 0});  // how fast it is
  auto outcome = simulation.run(seconds(60), {0, kCapacity * 2, 0, 0}, seconds(5))[1];
  EXPECT_GT(double(outcome.answered), kCapacity * 55 * 0.9) << "the server stands idle";
  EXPECT_LT(outcome.percentile(0.99), milliseconds(100));
  EXPECT_LT(simulation.queued(), 100U);
  EXPECT_NEAR(outcome.shed_share(), 0.5, 0.1);

  // Without it: the queue grows for as long as this goes on.
  Simulation unguarded(nullptr, kServers, kService);
  auto collapsed = unguarded.run(seconds(60), {0, kCapacity * 2, 0, 0}, seconds(5))[1];
  EXPECT_GT(collapsed.percentile(0.99), seconds(20));
}

TEST(Shedder, DoesNotTakeAnOverloadThatLastsForNormal) {
  Shedder shedder(kSettings, kStart);
  Simulation simulation(&shedder, kServers, kService);
  simulation.run(seconds(10), {0, kCapacity * 0.3, 0, 0});
  simulation.run(std::chrono::minutes(10), {0, kCapacity * 3, 0, 0});
  auto outcome = simulation.run(seconds(30), {0, kCapacity * 3, 0, 0})[1];
  EXPECT_LT(outcome.percentile(0.99), milliseconds(100));
  EXPECT_GT(double(outcome.answered), kCapacity * 30 * 0.9);
}

TEST(Shedder, LetsWhatMattersGoLast) {
  Shedder shedder(kSettings, kStart);
  Simulation simulation(&shedder, kServers, kService);
  simulation.run(seconds(10), {0, kCapacity * 0.3, 0, 0});
  auto outcomes = simulation.run(
      seconds(60), {kCapacity, kCapacity * 0.5, kCapacity * 0.3, kCapacity * 0.05}, seconds(5));
  EXPECT_EQ(outcomes[3].shed, 0U) << "critical";
  EXPECT_LT(outcomes[2].shed_share(), 0.01) << "high";
  EXPECT_LT(outcomes[1].shed_share(), 0.2) << "normal";
  EXPECT_GT(outcomes[0].shed_share(), 0.6) << "low";
  double answered = 0;
  for (const auto& outcome : outcomes) answered += double(outcome.answered);
  EXPECT_GT(answered, kCapacity * 55 * 0.9);
}

TEST(Shedder, ComesBackWhenTheOverloadEnds) {
  Shedder shedder(kSettings, kStart);
  Simulation simulation(&shedder, kServers, kService);
  simulation.run(seconds(10), {0, kCapacity * 0.3, 0, 0});
  simulation.run(seconds(30), {0, kCapacity * 4, 0, 0});
  auto outcome = simulation.run(seconds(30), {0, kCapacity * 0.7, 0, 0}, seconds(3))[1];
  EXPECT_LT(outcome.shed_share(), 0.01);
}

TEST(Shedder, FindsOutThatTheServerHasBecomeSlower) {
  Shedder shedder(kSettings, kStart);
  Simulation simulation(&shedder, kServers, kService);
  simulation.run(seconds(10), {0, kCapacity * 0.3, 0, 0});
  simulation.set_service(kService * 4);  // a quarter of the capacity, for good
  simulation.run(seconds(60), {0, kCapacity * 0.15, 0, 0});
  auto outcome = simulation.run(seconds(60), {0, kCapacity * 0.15, 0, 0})[1];
  EXPECT_LT(outcome.shed_share(), 0.02);
}

TEST(Shedder, HoldsWhatIsUnderWayWhenNothingIsAnswered) {
  Shedder shedder(kSettings, kStart);
  std::uint32_t admitted = 0;
  while (shedder.admits(Priority::kNormal) && admitted < 10'000) {
    shedder.begin();
    ++admitted;
  }
  EXPECT_EQ(admitted, kSettings.initial * 8 / 10);
  while (shedder.admits(Priority::kCritical) && admitted < 10'000) {
    shedder.begin();
    ++admitted;
  }
  EXPECT_EQ(admitted, kSettings.maximum);
  while (admitted-- > 0) shedder.end();
  EXPECT_EQ(shedder.in_flight(), 0U);
}

TEST(Shedder, StaysWithinItsBounds) {
  const config::Overload narrow{.shed = true, .minimum = 4, .initial = 5, .maximum = 6};
  Shedder shedder(narrow, kStart);
  LatencyBaseline baseline;
  TimePoint now = kStart;
  for (int i = 0; i < 10'000; ++i) {
    now += milliseconds(10);
    for (int k = 0; k < 6; ++k) shedder.begin();
    shedder.observe(milliseconds(1 + i % 500), baseline, now);
    for (int k = 0; k < 6; ++k) shedder.end();
    ASSERT_GE(shedder.limit(), 4U);
    ASSERT_LE(shedder.limit(), 6U);
    ASSERT_TRUE(shedder.admits(Priority::kLow)) << "one of each may always go";
  }
  shedder.use({.shed = true, .minimum = 10, .initial = 10, .maximum = 20});
  EXPECT_EQ(shedder.limit(), 10U);
}

TEST(Shedder, AskingForWhatIsSlowIsNoOverload) {
  Shedder shedder(kSettings, kStart);
  LatencyBaseline quick;
  LatencyBaseline slow;
  TimePoint now = kStart;
  const auto answers = [&](LatencyBaseline& baseline, Duration latency, int count) {
    for (int i = 0; i < count; ++i) {
      now += milliseconds(10);
      for (int k = 0; k < 40; ++k) shedder.begin();
      shedder.observe(latency, baseline, now);
      for (int k = 0; k < 40; ++k) shedder.end();
    }
  };
  answers(slow, milliseconds(200), 20);
  answers(quick, milliseconds(1), 500);
  const std::uint32_t before = shedder.limit();
  answers(slow, milliseconds(200), 500);
  EXPECT_GE(shedder.limit(), before);
}

}  // namespace
}  // namespace portcullis::overload
