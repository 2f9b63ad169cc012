#include "runtime/resolver.h"

#include "runtime/socket_address.h"
#include "runtime/testing/runner.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <sys/epoll.h>
#include <unistd.h>
#include <vector>

namespace portcullis::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Runner;

// A DNS server of one A record (RFC 1035 4), on the same loop.
class FakeDns final : public Pollable {
 public:
  explicit FakeDns(Loop& loop)
      : loop_(loop), fd_(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    SocketAddress any(IpEndpoint{IpAddress::v4(0x7f000001), 0});
    PC_CHECK(fd_ >= 0 && bind(fd_, any.get(), any.size()) == 0);
    address_ = SocketAddress::of_socket(fd_);
    PC_CHECK(loop_.add(fd_, *this, EPOLLIN, Trigger::kLevel));
  }
  ~FakeDns() {
    loop_.remove(fd_, *this);
    close(fd_);
  }
  FakeDns(const FakeDns&) = delete;
  FakeDns& operator=(const FakeDns&) = delete;

  [[nodiscard]] IpEndpoint address() const { return address_; }

  std::uint32_t ttl = 0;
  std::vector<std::uint32_t> addresses;  // none: the name does not exist
  bool silent = false;
  int questions = 0;  // for A records

 private:
  void on_events(std::uint32_t) override {
    char buffer[512];
    SocketAddress from;
    const ssize_t n = recvfrom(fd_, buffer, sizeof buffer, 0, from.get(), from.size_pointer());
    if (n < 17) return;
    const std::string question(buffer + 12, static_cast<std::size_t>(n) - 12);
    const std::size_t name_end = question.find('\0');
    if (name_end == std::string::npos || name_end + 5 > question.size()) return;
    const bool four = question[name_end + 2] == 1;
    if (four) ++questions;
    if (silent) return;
    const std::size_t count = four ? addresses.size() : 0;
    std::string answer(buffer, 2);
    answer += addresses.empty() ? std::string("\x81\x83", 2) : std::string("\x81\x80", 2);
    answer += std::string("\0\1\0", 3) + static_cast<char>(count) + std::string(4, '\0');
    answer += question.substr(0, name_end + 5);
    for (std::size_t i = 0; i < count; ++i) {
      answer += std::string("\xc0\x0c\0\1\0\1", 6);
      put(answer, ttl);
      answer += std::string("\0\4", 2);
      put(answer, addresses[i]);
    }
    sendto(fd_, answer.data(), answer.size(), 0, from.get(), from.size());
  }
  static void put(std::string& out, std::uint32_t number) {
    for (const unsigned shift : {24U, 16U, 8U, 0U}) out += static_cast<char>(number >> shift);
  }

  Loop& loop_;
  int fd_;
  IpEndpoint address_;
};

std::string text(const Result<Resolver::Addresses>& answer) {
  if (!answer) return answer.error().detail;
  std::string all;
  for (const IpAddress& address : **answer) all += (all.empty() ? "" : " ") + address.to_string();
  return all;
}

Task<void> until(Loop& loop, const std::function<bool()>& holds) {
  const TimePoint late = loop.now() + seconds(10);
  while (!holds() && loop.now() < late) co_await loop.sleep_until(loop.now() + milliseconds(2));
  EXPECT_TRUE(holds());
}

Task<void> ask(Resolver& resolver, TimePoint deadline, std::vector<std::string>& got) {
  got.push_back(text(co_await resolver.resolve("a.test", deadline)));
}

Task<void> follow(Loop& loop) {
  FakeDns dns(loop);
  Resolver resolver(loop, {dns.address()});
  dns.addresses = {0x0a000001, 0x0a000002};
  EXPECT_EQ(resolver.known("a.test"), nullptr);
  std::vector<std::string> got;
  TaskGroup group;
  for (int i = 0; i < 5; ++i) group.spawn(ask(resolver, loop.now() + seconds(10), got));
  co_await group.join();
  EXPECT_EQ(got, std::vector<std::string>(5, "10.0.0.1 10.0.0.2"));
  EXPECT_EQ(dns.questions, 1) << "however many wait";
  // Its TTL was nothing: it is good for a second, and then given while it is asked for again.
  const Resolver::Addresses first = resolver.known("a.test");
  EXPECT_EQ(dns.questions, 1);
  dns.addresses = {0x0a000002, 0x0a000001};
  co_await loop.sleep_until(loop.now() + milliseconds(1'010));
  EXPECT_EQ(resolver.known("a.test"), first);
  co_await until(loop, [&] { return dns.questions == 2; });
  co_await until(loop, [&] { return resolver.known("a.test") == first; });
  // Other addresses are another answer.
  dns.addresses = {0x0a000003};
  dns.ttl = 3600;
  co_await until(loop, [&] { return resolver.known("a.test") != first; });
  EXPECT_EQ(text(co_await resolver.resolve("a.test", loop.now())), "10.0.0.3");
  const int asked = dns.questions;
  co_await loop.sleep_until(loop.now() + milliseconds(1'010));
  EXPECT_EQ(text(resolver.known("a.test")), "10.0.0.3");
  EXPECT_EQ(dns.questions, asked) << "a longer TTL counts";
}

TEST(Resolver, AsksAgainAsideWhenTheTimeOfAnAnswerHasPassed) {
  Runner runner;
  runner.run(follow(runner.loop));
}

Task<void> keep(Loop& loop) {
  FakeDns dns(loop);
  Resolver resolver(loop, {dns.address()});
  dns.addresses = {0x0a000001};
  EXPECT_EQ(text(co_await resolver.resolve("a.test", loop.now() + seconds(10))), "10.0.0.1");
  dns.addresses.clear();
  co_await loop.sleep_until(loop.now() + milliseconds(1'010));
  const int asked = dns.questions;
  EXPECT_NE(resolver.known("a.test"), nullptr);
  co_await until(loop, [&] { return dns.questions > asked; });
  co_await loop.sleep_until(loop.now() + milliseconds(50));
  EXPECT_EQ(text(co_await resolver.resolve("a.test", loop.now())), "10.0.0.1");
}

TEST(Resolver, KeepsTheLastGoodAnswerOfANameThatFails) {
  Runner runner;
  runner.run(keep(runner.loop));
}

Task<void> fail_soon(Loop& loop) {
  FakeDns dns(loop);
  Resolver resolver(loop, {dns.address()});
  const auto none = co_await resolver.resolve("a.test", loop.now() + seconds(10));
  EXPECT_FALSE(none);
  if (!none) {
    EXPECT_EQ(none.error().code, ErrorCode::kUpstreamUnreachable);
    EXPECT_TRUE(none.error().detail.starts_with("name `a.test`: ")) << none.error().detail;
  }
  const int asked = dns.questions;
  EXPECT_FALSE(co_await resolver.resolve("a.test", loop.now() + seconds(10)));
  EXPECT_EQ(dns.questions, asked) << "not within a second";
  dns.silent = true;
  const TimePoint before = Clock::now();
  const auto late = co_await resolver.resolve("b.test", loop.now() + milliseconds(50));
  EXPECT_FALSE(late);
  if (!late) EXPECT_EQ(late.error().code, ErrorCode::kTimeout);
  EXPECT_LT(Clock::now() - before, seconds(5));
}

TEST(Resolver, WaitsNoLongerThanTheCallerMay) {
  Runner runner;
  runner.run(fail_soon(runner.loop));
}

Task<void> move(Loop& loop) {
  FakeDns before(loop);
  FakeDns after(loop);
  before.silent = true;
  after.addresses = {0x0a000009};
  Resolver resolver(loop, {before.address()});
  std::vector<std::string> got;
  TaskGroup group;
  group.spawn(ask(resolver, loop.now() + seconds(10), got));
  co_await until(loop, [&] { return before.questions > 0; });
  resolver.use_servers({after.address()});
  co_await group.join();
  EXPECT_EQ(got, std::vector<std::string>{"10.0.0.9"});
}

TEST(Resolver, AsksOtherServersWhatWasUnderWay) {
  Runner runner;
  runner.run(move(runner.loop));
}

Task<void> leave(Loop& loop) {
  FakeDns dns(loop);
  dns.silent = true;
  Resolver resolver(loop, {dns.address()});
  EXPECT_EQ(resolver.known("a.test"), nullptr);
  co_await until(loop, [&] { return dns.questions > 0; });
}

TEST(Resolver, MayGoWhileItAsks) {
  Runner runner;
  runner.run(leave(runner.loop));
}

Task<void> literal(Loop& loop) {
  Resolver resolver(loop, {IpEndpoint{IpAddress::v4(0x7f000001), 9}});
  for (const char* address : {"192.0.2.1", "2001:db8::1"})
    EXPECT_EQ(text(co_await resolver.resolve(address, loop.now())), address);
  EXPECT_TRUE(
      text(co_await resolver.resolve("localhost", loop.now() + seconds(5))).contains("127.0.0.1"));
}

TEST(Resolver, TakesAddressesAndTheHostsFileWithoutAServer) {
  Runner runner;
  runner.run(literal(runner.loop));
}

}  // namespace
}  // namespace portcullis::runtime
