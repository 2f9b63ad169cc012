#include "upstream/prober.h"

#include "upstream/testing/scene.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

namespace portcullis::upstream {
namespace {

using runtime::testing::Runner;
using std::chrono::milliseconds;
using testing::configure;
using testing::Scene;

// Answers each probe with the next status; with none left, with nothing.
class ProbedServer final : public runtime::Acceptor::Handler {
 public:
  ProbedServer(Loop& loop, std::deque<int> statuses) : loop_(loop), statuses_(std::move(statuses)) {
    auto acceptor = runtime::Acceptor::listen(loop, {IpAddress::v4(0x7f000001), 0}, *this,
                                              runtime::Acceptor::Sharing::kAlone);
    PC_CHECK(acceptor.has_value());
    acceptor_ = std::move(*acceptor);
  }
  void on_connection(int fd, const IpEndpoint& peer) override {
    tasks_.spawn(answer(std::make_unique<runtime::Stream>(loop_, fd, peer)));
  }
  [[nodiscard]] std::string target() const {
    return "127.0.0.1:" + std::to_string(acceptor_->address().port);
  }
  Task<void> end() {
    acceptor_.reset();
    co_await tasks_.join();
  }
  std::vector<std::string> requests;

 private:
  Task<void> answer(std::unique_ptr<runtime::Stream> stream) {
    char buffer[1024];
    const auto n = co_await stream->read(buffer, loop_.now() + std::chrono::seconds(10));
    if (!n) co_return;
    requests.emplace_back(buffer, *n);
    if (!statuses_.empty()) {
      const int status = statuses_.front();
      statuses_.pop_front();
      std::string text = "HTTP/1.1 " + std::to_string(status) + " x\r\ncontent-length: 0\r\n\r\n";
      // A status below 200 is interim: the final one follows.
      if (status < 200) text += "HTTP/1.1 204 x\r\n\r\n";
      co_await runtime::testing::send_text(*stream, text);
    }
    static_cast<void>(co_await runtime::testing::receive_all(*stream));
  }

  Loop& loop_;
  std::deque<int> statuses_;
  std::unique_ptr<runtime::Acceptor> acceptor_;
  TaskGroup tasks_;
};

config::Upstream probed(const std::string& target) {
  config::Upstream made = configure({target});
  made.health = config::Health{.path = "/up?x=1",
                               .every = milliseconds(1),
                               .timeout = milliseconds(5'000),
                               .unhealthy_after = 2,
                               .healthy_after = 2,
                               .status = {}};
  return made;
}

Task<void> until(Loop& loop, const std::function<bool()>& holds) {
  const TimePoint late = loop.now() + std::chrono::seconds(10);
  while (!holds() && loop.now() < late) co_await loop.sleep_until(loop.now() + milliseconds(1));
  EXPECT_TRUE(holds());
}

Task<void> finish(Loop& loop, Prober& prober) {
  prober.stop();
  co_await until(loop, [&] { return prober.running() == 0; });
}

Task<void> change(Loop& loop) {
  Scene scene(loop);
  // One bad answer is not enough, nor is one good one; what no server is asked for is redirected.
  ProbedServer server(loop, {200, 503, 204, 302, 500, 200, 404, 100, 299, 200, 200, 200, 200, 200,
                             200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200});
  Prober prober(loop, scene.resolver, scene.standings);
  const config::Upstream config = probed(server.target());
  prober.adopt({config}, {});
  const auto standing = scene.standings.find("u", server.target());
  EXPECT_TRUE(standing->healthy()) << "until something else is known";
  co_await until(loop, [&] { return scene.events.size() == 1; });
  EXPECT_FALSE(standing->healthy());
  EXPECT_EQ(server.requests.size(), 5U);
  // A reload that says the same does not begin anew.
  prober.adopt({config}, {});
  EXPECT_EQ(prober.running(), 1U);
  co_await until(loop, [&] { return scene.events.size() == 2; });
  EXPECT_TRUE(standing->healthy());
  EXPECT_EQ(server.requests.size(), 9U);
  EXPECT_EQ(server.requests.front(), "GET /up?x=1 HTTP/1.1\r\nhost: " + server.target() +
                                         "\r\nuser-agent: portcullis-probe\r\nconnection: "
                                         "close\r\n\r\n");
  EXPECT_EQ(scene.events, (std::vector<std::string>{"unhealthy " + server.target(),
                                                    "healthy " + server.target()}));
  co_await finish(loop, prober);
  co_await server.end();
}

TEST(Prober, ChangesItsMindAfterAsManyAsWereAskedFor) {
  Runner runner;
  runner.run(change(runner.loop));
}

Task<void> silent(Loop& loop) {
  Scene scene(loop);
  ProbedServer server(loop, {});
  Prober prober(loop, scene.resolver, scene.standings);
  config::Upstream config = probed(server.target());
  config.health->timeout = milliseconds(20);
  const std::string away = scene.two.target();
  scene.two.leave();
  config.targets.push_back({away, {}});
  prober.adopt({config}, {});
  co_await until(loop, [&] { return scene.events.size() == 2; });
  EXPECT_FALSE(scene.standings.find("u", server.target())->healthy());
  EXPECT_FALSE(scene.standings.find("u", away)->healthy());
  // Probed otherwise: what was found out stands until something else is.
  config.health->timeout = milliseconds(30);
  prober.adopt({config}, {});
  EXPECT_FALSE(scene.standings.find("u", away)->healthy());
  // Not probed any more: nobody knows better than that it may serve.
  config.health.reset();
  prober.adopt({config}, {});
  EXPECT_TRUE(scene.standings.find("u", away)->healthy());
  co_await finish(loop, prober);
  EXPECT_TRUE(scene.standings.find("u", away)->healthy());
  co_await server.end();
}

TEST(Prober, TakesSilenceAndRefusalForFailures) {
  Runner runner;
  runner.run(silent(runner.loop));
}

Task<void> exact(Loop& loop) {
  Scene scene(loop);
  ProbedServer server(loop, {200, 200});
  Prober prober(loop, scene.resolver, scene.standings);
  config::Upstream config = probed(server.target());
  config.health->status = 401;
  config.health->timeout = milliseconds(500);
  prober.adopt({config}, {});
  co_await until(loop, [&] { return scene.events.size() == 1; });
  EXPECT_FALSE(scene.standings.find("u", server.target())->healthy());
  co_await finish(loop, prober);
  co_await server.end();
}

TEST(Prober, TakesOneStatusForGoodWhereOneIsNamed) {
  Runner runner;
  runner.run(exact(runner.loop));
}

}  // namespace
}  // namespace portcullis::upstream
