#include "authn/key_source.h"

#include "jose/testing/issuer.h"

#include <gtest/gtest.h>

#include <thread>

namespace portcullis::authn {
namespace {

using namespace std::chrono_literals;
using crypto::KeyKind;
using crypto::PrivateKey;

constexpr TimePoint kStart{1'000h};
const KeySourceSettings kSettings{"https://issuer.example/jwks", 600s, 3600s};

std::string new_keys(std::string_view id) {
  return jose::testing::key_set(
      {jose::testing::public_jwk(PrivateKey::generate(KeyKind::kEd25519), id)});
}

TEST(KeySource, HasNoKeysBeforeTheFirstFetch) {
  const KeySource source(kSettings, 1);
  EXPECT_EQ(source.revision(), 0U);
  EXPECT_EQ(source.current(), nullptr);
  EXPECT_EQ(source.state(kStart), KeyState::kUnavailable);
  EXPECT_LE(source.next_fetch_at(), kStart) << "due at once";
}

TEST(KeySource, FetchesAheadOfTheRefresh) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    KeySource source(kSettings, seed);
    ASSERT_TRUE(source.begin_fetch());
    ASSERT_TRUE(source.fetch_succeeded(new_keys("1"), kStart));
    EXPECT_EQ(source.revision(), 1U);
    EXPECT_GE(source.next_fetch_at(), kStart + 480s);
    EXPECT_LE(source.next_fetch_at(), kStart + 540s);
    EXPECT_EQ(source.state(source.next_fetch_at()), KeyState::kFresh);
  }
}

TEST(KeySource, AgesFromFreshToStaleToUnavailable) {
  KeySource source(kSettings, 1);
  ASSERT_TRUE(source.begin_fetch());
  ASSERT_TRUE(source.fetch_succeeded(new_keys("1"), kStart));
  EXPECT_EQ(source.state(kStart + 600s - 1ns), KeyState::kFresh);
  EXPECT_EQ(source.state(kStart + 600s), KeyState::kStale);
  EXPECT_EQ(source.state(kStart + 3600s - 1ns), KeyState::kStale);
  EXPECT_EQ(source.state(kStart + 3600s), KeyState::kUnavailable);
  ASSERT_TRUE(source.begin_fetch());
  ASSERT_TRUE(source.fetch_succeeded(new_keys("2"), kStart + 4000s));
  EXPECT_EQ(source.state(kStart + 4000s), KeyState::kFresh) << "the issuer is back";
}

TEST(KeySource, KeepsGoodKeysThroughEveryKindOfFailure) {
  KeySource source(kSettings, 1);
  ASSERT_TRUE(source.begin_fetch());
  ASSERT_TRUE(source.fetch_succeeded(new_keys("good"), kStart));
  const auto good = source.current();
  for (const std::string_view text :
       {"", "<html>down for maintenance</html>", "{}", R"({"keys":[]})",
        R"({"keys":[{"kty":"oct"}]})", R"({"keys":null})", "{\"keys\":["}) {
    ASSERT_TRUE(source.begin_fetch());
    const Result<void> got = source.fetch_succeeded(text, kStart + 700s);
    ASSERT_FALSE(got) << text;
    EXPECT_EQ(got.error().source, ErrorSource::kUpstream);
    EXPECT_EQ(source.current(), good) << text;
    EXPECT_EQ(source.revision(), 1U) << text;
  }
  ASSERT_TRUE(source.begin_fetch());
  source.fetch_failed("connection refused", kStart + 700s);
  EXPECT_EQ(source.current(), good);
  EXPECT_EQ(source.state(kStart + 700s), KeyState::kStale) << "a failure makes nothing fresh";
  const KeySource::Report report = source.report(kStart + 700s);
  EXPECT_EQ(report.failures, 8U);
  EXPECT_EQ(report.fetches, 9U);
  EXPECT_EQ(report.keys, 1U);
  EXPECT_EQ(report.last_failure, "connection refused");
}

TEST(KeySource, BacksOffBetweenFailuresAndStaysBounded) {
  KeySource source(kSettings, 7);
  Duration previous{};
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(source.begin_fetch());
    source.fetch_failed("no route", kStart);
    const Duration pause = source.next_fetch_at() - kStart;
    EXPECT_GE(pause, 500ms);
    EXPECT_LE(pause, 60s);
    if (i == 5) EXPECT_GT(pause, 10s);
    previous = pause;
  }
  EXPECT_GE(previous, 30s);
  ASSERT_TRUE(source.begin_fetch());
  ASSERT_TRUE(source.fetch_succeeded(new_keys("1"), kStart));
  ASSERT_TRUE(source.begin_fetch());
  source.fetch_failed("no route", kStart);
  EXPECT_LE(source.next_fetch_at() - kStart, 1s) << "a success ends the back-off";
}

TEST(KeySource, VariesWithItsSeed) {
  KeySource a(kSettings, 1);
  KeySource b(kSettings, 2);
  for (KeySource* each : {&a, &b}) {
    ASSERT_TRUE(each->begin_fetch());
    ASSERT_TRUE(each->fetch_succeeded(new_keys("1"), kStart));
  }
  EXPECT_NE(a.next_fetch_at(), b.next_fetch_at());
}

TEST(KeySource, LetsCallersCauseOneFetchInThirtySeconds) {
  KeySource source(kSettings, 1);
  const auto finish = [&](TimePoint now) {
    ASSERT_TRUE(source.begin_fetch());
    ASSERT_TRUE(source.fetch_succeeded(new_keys("1"), now));
  };
  EXPECT_TRUE(source.fetch_could_help(kStart));
  EXPECT_TRUE(source.may_fetch_for_unknown_kid(kStart));
  EXPECT_TRUE(source.may_fetch_for_unknown_kid(kStart))
      << "asked for, not begun: wait for that one";
  finish(kStart);
  EXPECT_FALSE(source.fetch_could_help(kStart));
  EXPECT_FALSE(source.may_fetch_for_unknown_kid(kStart + 30s - 1ns));
  EXPECT_TRUE(source.fetch_could_help(kStart + 30s));
  EXPECT_TRUE(source.may_fetch_for_unknown_kid(kStart + 30s));
  finish(kStart + 30s);
  EXPECT_FALSE(source.may_fetch_for_unknown_kid(kStart + 31s));
  ASSERT_TRUE(source.begin_fetch());
  EXPECT_TRUE(source.may_fetch_for_unknown_kid(kStart + 31s)) << "the scheduled one is under way";
  source.fetch_failed("x", kStart + 32s);
  EXPECT_FALSE(source.may_fetch_for_unknown_kid(kStart + 32s)) << "failures give no permission";
}

TEST(KeySource, FetchesOnceAtATime) {
  KeySource source(kSettings, 1);
  EXPECT_TRUE(source.begin_fetch());
  EXPECT_FALSE(source.begin_fetch());
  source.fetch_failed("x", kStart);
  EXPECT_TRUE(source.begin_fetch());
}

TEST(KeySource, TellsEveryWaiterOnceAndNoneThatLeft) {
  KeySource source(kSettings, 1);
  int told = 0;
  EXPECT_FALSE(source.wait([&] { told += 100; })) << "there is nothing to wait for";
  ASSERT_TRUE(source.may_fetch_for_unknown_kid(kStart));
  EXPECT_TRUE(source.wait([&] { ++told; }));
  ASSERT_TRUE(source.begin_requested_fetch());
  EXPECT_FALSE(source.begin_requested_fetch()) << "under way";
  EXPECT_TRUE(source.wait([&] { ++told; }));
  const auto gone = source.wait([&] { told += 100; });
  ASSERT_TRUE(gone);
  source.stop_waiting(*gone);
  EXPECT_EQ(told, 0);
  source.fetch_failed("x", kStart);
  EXPECT_EQ(told, 2);
  EXPECT_FALSE(source.begin_requested_fetch()) << "the request was answered";
  ASSERT_TRUE(source.begin_fetch());
  source.fetch_failed("x", kStart);
  EXPECT_EQ(told, 2);
}

TEST(KeySource, FromAFileIsNeverFetched) {
  KeySource source(jose::KeySet::parse(new_keys("1")).value());
  EXPECT_EQ(source.state(kStart), KeyState::kFresh);
  EXPECT_EQ(source.revision(), 1U);
  EXPECT_NE(source.current(), nullptr);
  EXPECT_EQ(source.next_fetch_at(), kNoDeadline);
  EXPECT_FALSE(source.fetch_could_help(kStart));
  EXPECT_FALSE(source.may_fetch_for_unknown_kid(kStart));
  EXPECT_FALSE(source.begin_fetch());
}

TEST(KeySource, MayBeReadWhileItIsFetched) {
  KeySource source(kSettings, 1);
  const std::string keys = new_keys("1");
  std::atomic<bool> stop = false;
  std::thread reader([&] {
    std::uint64_t seen = 0;
    while (!stop) {
      const std::uint64_t revision = source.revision();
      EXPECT_GE(revision, seen);
      seen = revision;
      if (revision > 0) EXPECT_NE(source.current(), nullptr);
      if (!source.may_fetch_for_unknown_kid(kStart)) continue;
      if (const auto id = source.wait([] {})) source.stop_waiting(*id);
    }
  });
  for (int i = 0; i < 300; ++i) {
    if (source.begin_fetch()) EXPECT_TRUE(source.fetch_succeeded(keys, kStart + i * 1s));
  }
  stop = true;
  reader.join();
  EXPECT_EQ(source.revision(), 300U);
}

TEST(KeySources, CarriesOverWhatIsEqualAndDropsWhatIsUnused) {
  KeySources sources(1);
  auto first = sources.find_or_make(kSettings);
  EXPECT_EQ(sources.find_or_make(kSettings), first);
  KeySourceSettings other = kSettings;
  other.stale_for = 1s;
  EXPECT_NE(sources.find_or_make(other), first);
  EXPECT_EQ(sources.living().size(), 1U) << "the other is used by nobody";
  ASSERT_TRUE(first->begin_fetch());
  ASSERT_TRUE(first->fetch_succeeded(new_keys("1"), kStart));
  const auto next_configuration = sources.find_or_make(kSettings);
  first.reset();
  EXPECT_EQ(next_configuration->revision(), 1U) << "keys and all";
}

}  // namespace
}  // namespace portcullis::authn
