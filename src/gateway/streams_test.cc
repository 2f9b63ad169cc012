#include "gateway/streams.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace portcullis::gateway {
namespace {

TEST(IsEventStream, KnowsStreamsByTheirMediaType) {
  struct Case {
    std::string_view type;
    bool want;
  };
  constexpr Case cases[] = {
      {"text/event-stream", true},
      {"Text/Event-Stream; charset=utf-8", true},
      {"text/event-stream ;charset=utf-8", true},
      {"application/x-ndjson", true},
      {"application/json-seq", true},
      {"multipart/x-mixed-replace; boundary=x", true},
      {"", false},
      {"text/event-streams", false},
      {"text/event", false},
      {"application/json", false},
      {"application/octet-stream", false},
      {"; text/event-stream", false},
  };
  for (const Case& c : cases) EXPECT_EQ(is_event_stream(c.type), c.want) << c.type;
}

TEST(StreamEnds, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kStreamEnds; ++i) {
    const std::string_view name = stream_end_name(static_cast<StreamEnd>(i));
    EXPECT_FALSE(name.empty());
    EXPECT_TRUE(names.insert(name).second) << name;
  }
}

class OpenStreamsTest : public testing::Test {
 protected:
  telemetry::Registry registry_;
  OpenStreams streams_{registry_};
  int stopped_ = 0;

  static void stop(void* test) { ++static_cast<OpenStreamsTest*>(test)->stopped_; }
  [[nodiscard]] bool shows(const std::string& line) const {
    return registry_.scrape().contains(line + "\n");
  }
};

TEST_F(OpenStreamsTest, AreCountedForAsLongAsTheyLive) {
  {
    OpenStream one({streams_}, StreamKind::kTunnel, &stop, this);
    OpenStream two({streams_}, StreamKind::kEvents, &stop, this);
    EXPECT_TRUE(shows("portcullis_streams{kind=\"tunnel\"} 1"));
    EXPECT_TRUE(shows("portcullis_streams{kind=\"events\"} 1"));
    two.end(StreamEnd::kUpstream);
  }
  EXPECT_TRUE(shows("portcullis_streams{kind=\"tunnel\"} 0"));
  EXPECT_TRUE(shows("portcullis_streams_ended_total{reason=\"upstream\"} 1"));
  EXPECT_EQ(stopped_, 1);
}

TEST_F(OpenStreamsTest, KeepTheFirstReasonAndStopOnce) {
  OpenStream one({streams_}, StreamKind::kTunnel, &stop, this);
  EXPECT_FALSE(one.ended());
  one.end(StreamEnd::kExpired);
  one.end(StreamEnd::kClient);
  EXPECT_EQ(one.ended(), StreamEnd::kExpired);
  EXPECT_EQ(stopped_, 1);
}

TEST_F(OpenStreamsTest, EndWithTheCertificateThatLetThemIn) {
  const WallTime now{std::chrono::seconds(1'800'000'000)};
  const auto certificate = [&](std::chrono::seconds left) {
    runtime::CertificateFacts facts;
    facts.validity = {now - std::chrono::hours(1), now + std::chrono::hours(1)};
    return runtime::ClientCertificate(facts, now + left);
  };
  runtime::ClientCertificate bad = certificate(std::chrono::seconds(0));
  runtime::ClientCertificate good = certificate(std::chrono::seconds(1));
  OpenStream one({streams_, &bad}, StreamKind::kTunnel, &stop, this);
  OpenStream two({streams_, &bad}, StreamKind::kEvents, &stop, this);
  OpenStream other({streams_, &good}, StreamKind::kTunnel, &stop, this);
  OpenStream without({streams_}, StreamKind::kEvents, &stop, this);
  EXPECT_EQ(streams_.certificates(), (std::set{&bad, &good}));
  streams_.end_revoked(now);
  EXPECT_EQ(one.ended(), StreamEnd::kRevoked);
  EXPECT_EQ(two.ended(), StreamEnd::kRevoked);
  EXPECT_FALSE(other.ended());
  EXPECT_FALSE(without.ended());
  EXPECT_EQ(stopped_, 2);
}

TEST_F(OpenStreamsTest, EndTogether) {
  OpenStream one({streams_}, StreamKind::kTunnel, &stop, this);
  OpenStream two({streams_}, StreamKind::kEvents, &stop, this);
  streams_.end_all(StreamEnd::kShutdown);
  EXPECT_EQ(one.ended(), StreamEnd::kShutdown);
  EXPECT_EQ(two.ended(), StreamEnd::kShutdown);
  EXPECT_EQ(stopped_, 2);
}

}  // namespace
}  // namespace portcullis::gateway
