#include "authn/authentication.h"

#include "jose/testing/issuer.h"
#include "json/writer.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace portcullis::authn {
namespace {

using namespace std::chrono_literals;
using crypto::KeyKind;
using crypto::PrivateKey;

constexpr WallTime kWall{1'800'000'000s};
constexpr TimePoint kSteady{1'000h};
constexpr std::string_view kApiKey = "pc_nightly_secret";

// An issuer with a key that can be exchanged.
struct Issuer {
  std::string name;  // of the authenticator; its `iss` is made of it
  std::string key_id = "1";
  PrivateKey key = PrivateKey::generate(KeyKind::kP256);

  [[nodiscard]] std::string iss() const { return "https://" + name + ".example"; }
  [[nodiscard]] std::string key_set() const {
    return jose::testing::key_set({jose::testing::public_jwk(key, key_id)});
  }
  void rotate(std::string id) {
    key_id = std::move(id);
    key = PrivateKey::generate(KeyKind::kP256);
  }
  [[nodiscard]] std::string token(std::string_view subject = "ann",
                                  std::string_view more = R"(,"roles":["clerk","guest"])") const {
    std::string header;
    json::Writer(header).begin_object().field("alg", "ES256").field("kid", key_id).end_object();
    return sign(header, subject, more);
  }
  [[nodiscard]] std::string sign(std::string_view header, std::string_view subject,
                                 std::string_view more = "") const {
    const std::string payload = R"({"iss":")" + iss() +
                                R"(","aud":"shop","exp":1800000060,"sub":")" +
                                std::string(subject) + "\"" + std::string(more) + "}";
    return jose::testing::sign_compact(key, jose::SignatureAlgorithm::kEs256, header, payload);
  }
  [[nodiscard]] config::Authenticator configured() const {
    config::Authenticator authenticator;
    authenticator.name = name;
    config::Jwt& jwt = authenticator.jwt.emplace();
    jwt.issuer = iss();
    jwt.audience = {"shop"};
    jwt.algorithms = {"ES256"};
    jwt.roles = "roles";
    jwt.claims = {{"tenant", "org"}};
    jwt.keys.url = iss() + "/jwks";
    jwt.keys.stale_for = 3600s;
    return authenticator;
  }
};

config::Authenticator api_keys(std::string name, std::string header, std::string_view text) {
  config::Authenticator authenticator;
  authenticator.name = std::move(name);
  config::ApiKey key;
  key.id = "nightly";
  key.sha256 = crypto::digest(crypto::Hash::kSha256, text);
  key.roles = {"clerk"};
  key.expires = std::chrono::sys_seconds(1'800'000'500s);
  authenticator.api_key.emplace(std::move(header), std::vector{key});
  return authenticator;
}

// Answers at once with what `answer` does, unless it is held; counts.
class FakeRefresher final : public KeyRefresher {
 public:
  std::function<void(KeySource&)> answer = [](KeySource&) {};
  bool hold = false;
  int asked = 0;
  int fetched = 0;
  Moment time{kWall, kSteady};

  Task<void> refresh(std::shared_ptr<KeySource> source, TimePoint) override {
    ++asked;
    if (hold) co_await Held{*this};
    if (!source->begin_requested_fetch()) co_return;
    ++fetched;
    answer(*source);
  }
  [[nodiscard]] Moment now() const override { return time; }
  void release() {
    for (const auto handle : std::exchange(held_, {})) handle.resume();
  }

 private:
  struct Held {
    FakeRefresher& owner;
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) const { owner.held_.push_back(handle); }
    void await_resume() const noexcept {}
  };
  std::vector<std::coroutine_handle<>> held_;
};

class Authentication : public ::testing::Test {
 protected:
  Authentication() { configure(); }

  // As a start or a reload does; a new generation each time.
  void configure() {
    config::Diagnostics diagnostics;
    authenticators_ = Authenticators::compile(
        {corporate_.configured(), partner_.configured(), api_keys("machine", "x-api-key", kApiKey),
         api_keys("robot", "x-robot-key", "pc_robot_secret")},
        RoleTable({"admin", "clerk"}), sources_, ++generation_, diagnostics);
    EXPECT_TRUE(diagnostics.ok());
    corporate_door_ = door({"corporate"});
    both_door_ = door({"corporate", "partner"});
    all_door_ = door({"corporate", "machine", "robot"});
  }
  void give_keys(const Issuer& issuer, TimePoint now = kSteady) {
    KeySource& keys = *authenticators_->find(issuer.name)->jwt()->keys;
    ASSERT_TRUE(keys.begin_fetch());
    ASSERT_TRUE(keys.fetch_succeeded(issuer.key_set(), now));
  }
  [[nodiscard]] Door door(const std::vector<std::string>& names) const {
    std::vector<config::Text> texts;
    for (const std::string& name : names) texts.push_back({name, {}});
    config::Diagnostics diagnostics;
    Door made =
        Door::compile(authenticators_, texts, "shop", diagnostics, "apis.shop.authenticate");
    EXPECT_TRUE(diagnostics.ok());
    return made;
  }

  using Given = std::vector<std::pair<std::string_view, std::string>>;
  std::optional<Result<IdentityRef>> try_with(const Door& door, const Given& given,
                                              WallTime wall = kWall, TimePoint now = kSteady) {
    Arena arena;
    http::Request request(arena);
    for (const auto& [name, value] : given) request.fields.add(name, value);
    return door.try_authenticate({request, {}}, worker_, wall, now);
  }
  // Expects that nothing must be fetched.
  Result<IdentityRef> with(const Door& door, const Given& given, WallTime wall = kWall,
                           TimePoint now = kSteady) {
    auto decided = try_with(door, given, wall, now);
    EXPECT_TRUE(decided);
    if (!decided) return fail(ErrorCode::kInternal, "undecided");
    return *std::move(decided);
  }
  static Given bearer(const std::string& token) { return {{"authorization", "Bearer " + token}}; }

  Task<void> run_authenticate(const Door& door, std::string token, FakeRefresher& refresher,
                              std::vector<Result<IdentityRef>>& out) {
    Arena arena;
    http::Request request(arena);
    const std::string value = "Bearer " + token;
    request.fields.add("authorization", value);
    out.push_back(co_await door.authenticate({request, {}}, worker_, refresher));
  }
  Result<IdentityRef> authenticate(const Door& door, const std::string& token,
                                   FakeRefresher& refresher) {
    std::vector<Result<IdentityRef>> out;
    TaskGroup tasks;
    tasks.spawn(run_authenticate(door, token, refresher, out));
    EXPECT_EQ(out.size(), 1U);
    return out.at(0);
  }

  Issuer corporate_{.name = "corporate"};
  Issuer partner_{.name = "partner"};
  KeySources sources_{1};
  std::uint64_t generation_ = 0;
  std::shared_ptr<const Authenticators> authenticators_;
  WorkerState worker_{HashKey::random()};
  // Assigned by configure().
  std::optional<Door> corporate_door_;
  std::optional<Door> both_door_;
  std::optional<Door> all_door_;
};

TEST_F(Authentication, TurnsATokenIntoAnIdentityAndRemembersIt) {
  give_keys(corporate_);
  const std::string token = corporate_.token("ann", R"(,"roles":["clerk","guest"],"org":"acme")");
  for (int i = 0; i < 3; ++i) {
    const auto got = with(*corporate_door_, {{"authorization", "bEARER  " + token}});
    ASSERT_TRUE(got) << got.error().detail;
    const Identity& identity = **got;
    EXPECT_EQ(identity.kind, Identity::Kind::kUser);
    EXPECT_EQ(identity.authenticator, "corporate");
    EXPECT_EQ(identity.subject, "corporate|ann");
    EXPECT_EQ(identity.issuer, corporate_.iss());
    EXPECT_EQ(identity.key, "");
    EXPECT_EQ(identity.roles, (std::vector<std::string>{"clerk", "guest"}));
    EXPECT_EQ(identity.role_ids, std::vector<std::uint32_t>{1});
    ASSERT_NE(identity.claim("tenant"), nullptr);
    EXPECT_EQ(*identity.claim("tenant"), "acme");
    EXPECT_EQ(identity.claim("org"), nullptr) << "the name in the token is not ours";
    EXPECT_EQ(identity.expires, kWall + 90s);
  }
  EXPECT_EQ(worker_.cache_misses, 1U);
  EXPECT_EQ(worker_.cache_hits, 2U);
}

TEST_F(Authentication, TurnsAnApiKeyIntoAnIdentity) {
  for (int i = 0; i < 2; ++i) {
    const auto got = with(*all_door_, {{"x-api-key", std::string(kApiKey)}});
    ASSERT_TRUE(got) << got.error().detail;
    EXPECT_EQ((*got)->kind, Identity::Kind::kKey);
    EXPECT_EQ((*got)->subject, "machine|nightly");
    EXPECT_EQ((*got)->key, "nightly");
    EXPECT_EQ((*got)->role_ids, std::vector<std::uint32_t>{1});
  }
  const auto robot = with(*all_door_, {{"x-robot-key", "pc_robot_secret"}});
  ASSERT_TRUE(robot);
  EXPECT_EQ((*robot)->subject, "robot|nightly") << "same id, another authenticator";
  EXPECT_FALSE(with(*all_door_, {{"x-robot-key", std::string(kApiKey)}}));
  EXPECT_FALSE(with(*all_door_, {{"x-api-key", "pc_robot_secret"}}));
}

TEST_F(Authentication, RefusesExpiredAndUnknownKeysAlike) {
  const auto expired = with(*all_door_, {{"x-api-key", std::string(kApiKey)}}, kWall + 500s);
  const auto unknown = with(*all_door_, {{"x-api-key", "pc_nightly_wrong"}});
  ASSERT_FALSE(expired);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(expired.error().code, ErrorCode::kCredentialsInvalid);
  EXPECT_EQ(unknown.error().code, expired.error().code);
  EXPECT_EQ(unknown.error().rule, "authenticators.machine");
  EXPECT_EQ(expired.error().rule, "authenticators.machine");
  EXPECT_TRUE(expired.error().detail.contains("expired")) << "the log may say it";
  EXPECT_EQ(all_door_->challenges(unknown.error())[0], all_door_->challenges(expired.error())[0]);
  EXPECT_TRUE(with(*all_door_, {{"x-api-key", std::string(kApiKey)}}, kWall + 499s));
}

TEST_F(Authentication, KeepsAKeyToItsAddressesAndSaysNothingOfThem) {
  config::Authenticator configured = api_keys("bound", "x-api-key", kApiKey);
  configured.api_key->keys[0].addresses = {*Cidr::parse("10.1.0.0/16"),
                                           *Cidr::parse("2001:db8::/32")};
  configured.api_key->keys[0].scopes = {"orders:read"};
  config::Diagnostics diagnostics;
  authenticators_ = Authenticators::compile({configured}, RoleTable({"clerk"}), sources_,
                                            ++generation_, diagnostics);
  const Door bound = door({"bound"});
  const auto from = [&](std::string_view address) {
    Arena arena;
    http::Request request(arena);
    request.fields.add("x-api-key", kApiKey);
    return *bound.try_authenticate({request, *IpAddress::parse(address)}, worker_, kWall, kSteady);
  };
  // Known by now or not: it is looked at each time.
  for (int i = 0; i < 2; ++i) {
    for (const std::string_view good : {"10.1.0.0", "10.1.255.255", "2001:db8::1"}) {
      const auto got = from(good);
      ASSERT_TRUE(got) << good;
      EXPECT_EQ((*got)->scopes, std::vector<std::string>{"orders:read"});
    }
    for (const std::string_view bad :
         {"10.2.0.0", "10.0.255.255", "::1", "2001:db9::1", "0.0.0.0"}) {
      const auto got = from(bad);
      ASSERT_FALSE(got) << bad;
      EXPECT_EQ(got.error().code, ErrorCode::kCredentialsInvalid) << bad;
      EXPECT_EQ(got.error().detail,
                "the API key `nightly` may not be used from " + std::string(bad));
    }
  }
}

TEST_F(Authentication, TakesACookieOnlyFromAPageOfTheSameOrigin) {
  config::Authenticator configured = api_keys("page", "", kApiKey);
  configured.api_key->cookie = "key";
  config::Diagnostics diagnostics;
  authenticators_ = Authenticators::compile({configured}, RoleTable({"clerk"}), sources_,
                                            ++generation_, diagnostics);
  const Door page = door({"page"});
  EXPECT_TRUE(page.takes_cookies());
  EXPECT_FALSE(corporate_door_->takes_cookies());
  const auto ask = [&](http::Method method, const Given& more) {
    Arena arena;
    http::Request request(arena);
    request.method = method;
    request.authority = "a.test";
    const std::string cookie = "key=" + std::string(kApiKey);
    request.fields.add("cookie", cookie);
    for (const auto& [name, value] : more) request.fields.add(name, value);
    const auto got =
        *page.try_authenticate({request, {}, http::Scheme::kHttps}, worker_, kWall, kSteady);
    return got ? "" : got.error().rule + ": " + got.error().detail;
  };
  using http::Method;
  for (const Method safe : {Method::kGet, Method::kHead, Method::kOptions})
    EXPECT_EQ(ask(safe, {{"sec-fetch-site", "cross-site"}}), "");
  for (const Method unsafe :
       {Method::kPost, Method::kPut, Method::kPatch, Method::kDelete, Method::kOther}) {
    EXPECT_TRUE(ask(unsafe, {}).starts_with("authenticators.page: the key is in a cookie"));
    EXPECT_NE(ask(unsafe, {{"origin", "https://b.test"}}), "");
    EXPECT_EQ(ask(unsafe, {{"origin", "https://a.test"}}), "");
    EXPECT_EQ(ask(unsafe, {{"sec-fetch-site", "same-origin"}}), "");
  }
  EXPECT_NE(ask(Method::kGet, {{"upgrade", "websocket"}, {"origin", "https://b.test"}}), "")
      << "a WebSocket opens with a GET, and no other origin may open one";
  EXPECT_EQ(ask(Method::kGet, {{"upgrade", "websocket"}, {"origin", "https://a.test"}}), "");
}

TEST_F(Authentication, TellsAServiceFromAPerson) {
  give_keys(corporate_);
  struct Case {
    std::string_view why;
    std::string_view claims;
    Identity::Kind want;
  };
  const Case cases[] = {
      {"nothing is said", "", Identity::Kind::kUser},
      {"the client itself (RFC 9068 2.2)", R"(,"client_id":"ann")", Identity::Kind::kService},
      {"a client for somebody", R"(,"client_id":"shop","azp":"ann")", Identity::Kind::kUser},
      {"the authorized party", R"(,"azp":"ann")", Identity::Kind::kService},
      {"another party", R"(,"azp":"shop")", Identity::Kind::kUser},
      {"the grant's name", R"(,"gty":"client-credentials","azp":"x")", Identity::Kind::kService},
      {"another grant", R"(,"gty":"password")", Identity::Kind::kUser},
      {"not text", R"(,"client_id":["ann"])", Identity::Kind::kUser},
  };
  for (const Case& c : cases) {
    const auto got = with(*corporate_door_, bearer(corporate_.token("ann", c.claims)));
    ASSERT_TRUE(got) << c.why;
    EXPECT_EQ((*got)->kind, c.want) << c.why;
  }
}

TEST_F(Authentication, LetsEverybodyThroughAnOpenDoorAsNobody) {
  const Door open = door({});
  EXPECT_TRUE(open.open());
  for (const Given& given :
       {Given{}, bearer("nonsense"), Given{{"x-api-key", "a"}, {"authorization", "Basic b"}}}) {
    const auto got = with(open, given);
    ASSERT_TRUE(got);
    EXPECT_EQ((*got)->kind, Identity::Kind::kAnonymous);
    EXPECT_EQ((*got)->subject, "");
    EXPECT_TRUE((*got)->role_ids.empty());
  }
}

TEST_F(Authentication, RefusesCredentialsThatAreMissingManyOrMalformed) {
  give_keys(corporate_);
  const std::string good = "Bearer " + corporate_.token();
  const std::string key(kApiKey);
  constexpr auto kMissing = ErrorCode::kCredentialsMissing;
  constexpr auto kInvalid = ErrorCode::kCredentialsInvalid;
  constexpr auto kAmbiguous = ErrorCode::kAmbiguousCredentials;
  struct Case {
    std::string_view why;
    Given given;
    ErrorCode want;
  };
  const Case cases[] = {
      {"nothing", {}, kMissing},
      {"another scheme alone", {{"authorization", "Basic YTpi"}}, kMissing},
      {"no scheme", {{"authorization", corporate_.token()}}, kMissing},
      {"empty Authorization", {{"authorization", ""}}, kMissing},
      {"a token in another field", {{"x-authorization", good}}, kMissing},
      {"a token in a cookie", {{"cookie", "access_token=" + corporate_.token()}}, kMissing},
      {"a key in the field of nobody", {{"x-other-key", key}}, kMissing},
      {"scheme without token", {{"authorization", "Bearer"}}, kInvalid},
      {"scheme and a space", {{"authorization", "Bearer "}}, kInvalid},
      {"two tokens", {{"authorization", good + " " + corporate_.token()}}, kInvalid},
      {"token and a parameter", {{"authorization", good + ", realm=x"}}, kInvalid},
      {"quoted token", {{"authorization", "Bearer \"" + corporate_.token() + "\""}}, kInvalid},
      {"no token at all", {{"authorization", "Bearer x"}}, kInvalid},
      {"empty key", {{"x-api-key", ""}}, kInvalid},
      {"two keys in one field", {{"x-api-key", key + "," + key}}, kInvalid},
      {"Authorization twice", {{"authorization", good}, {"authorization", good}}, kAmbiguous},
      {"Authorization twice, one of another scheme",
       {{"authorization", "Basic YTpi"}, {"authorization", good}},
       kAmbiguous},
      {"Authorization twice, one empty",
       {{"authorization", good}, {"authorization", ""}},
       kAmbiguous},
      {"key twice", {{"x-api-key", key}, {"x-api-key", key}}, kAmbiguous},
      {"keys of two authenticators",
       {{"x-api-key", key}, {"x-robot-key", "pc_robot_secret"}},
       kAmbiguous},
      {"token and key", {{"authorization", good}, {"x-api-key", key}}, kAmbiguous},
      {"key and a wrong token", {{"x-api-key", key}, {"authorization", "Bearer x"}}, kAmbiguous},
      {"key and another scheme", {{"x-api-key", key}, {"authorization", "Basic YTpi"}}, kAmbiguous},
  };
  for (const Case& c : cases) {
    const auto got = with(*all_door_, c.given);
    ASSERT_FALSE(got) << c.why;
    EXPECT_EQ(got.error().code, c.want) << c.why << ": " << got.error().detail;
    EXPECT_EQ(got.error().source, ErrorSource::kClient) << c.why;
  }
  EXPECT_TRUE(with(door({"machine"}), {{"x-api-key", key}, {"authorization", good}}))
      << "where no token is taken, Authorization is the upstream's business";
  EXPECT_TRUE(with(*corporate_door_, {{"x-api-key", key}, {"authorization", good}}));
}

// A token that one authenticator accepts must open nothing that another guards: not by itself, not
// through the cache, not after a reload.
TEST_F(Authentication, NeverTakesATokenForAnother) {
  give_keys(corporate_);
  give_keys(partner_);
  const Door partner_door = door({"partner"});
  const std::string token = corporate_.token();
  EXPECT_FALSE(with(partner_door, bearer(token)));
  ASSERT_TRUE(with(*corporate_door_, bearer(token)));
  ASSERT_TRUE(with(*corporate_door_, bearer(token)));
  EXPECT_EQ(worker_.cache_hits, 1U) << "it is in the cache now";
  const auto replayed = with(partner_door, bearer(token));
  ASSERT_FALSE(replayed);
  EXPECT_EQ(replayed.error().code, ErrorCode::kCredentialsInvalid);
  EXPECT_FALSE(with(door({"machine"}), {{"x-api-key", token}}));

  // The partner signs what the other says.
  Issuer impostor{.name = "corporate", .key = PrivateKey::generate(KeyKind::kP256)};
  EXPECT_FALSE(with(*both_door_, bearer(impostor.token())));
  const auto both = with(*both_door_, bearer(partner_.token()));
  ASSERT_TRUE(both);
  EXPECT_EQ((*both)->subject, "partner|ann");

  std::swap(corporate_, partner_);  // the names of the authenticators are exchanged
  corporate_.name = "corporate";
  partner_.name = "partner";
  configure();
  give_keys(corporate_, kSteady + 1s);
  EXPECT_FALSE(with(*corporate_door_, bearer(token)))
      << "the first authenticator, as it was before";
}

TEST_F(Authentication, ForgetsWhatAnEarlierConfigurationAccepted) {
  give_keys(corporate_);
  const std::string token = corporate_.token();
  ASSERT_TRUE(with(*corporate_door_, bearer(token)));
  ASSERT_TRUE(with(*corporate_door_, bearer(token)));
  const auto hits = worker_.cache_hits;
  configure();
  EXPECT_TRUE(with(*corporate_door_, bearer(token))) << "the keys were carried over";
  EXPECT_EQ(worker_.cache_hits, hits) << "but the verdict was not";
  EXPECT_TRUE(with(*corporate_door_, bearer(token)));
  EXPECT_EQ(worker_.cache_hits, hits + 1);
}

TEST_F(Authentication, RefusesARememberedTokenOnceItExpires) {
  give_keys(corporate_);
  const std::string token = corporate_.token();
  ASSERT_TRUE(with(*corporate_door_, bearer(token)));
  EXPECT_TRUE(with(*corporate_door_, bearer(token), kWall + 90s - 1ns));
  const auto late = with(*corporate_door_, bearer(token), kWall + 90s);
  ASSERT_FALSE(late);
  EXPECT_TRUE(late.error().detail.contains("expired"));
  EXPECT_EQ(worker_.tokens().size(), 0U);
  EXPECT_FALSE(with(*corporate_door_, bearer(token), kWall + 91s)) << "nor by its signature";
}

TEST_F(Authentication, DropsRememberedTokensOfAKeyThatWent) {
  give_keys(corporate_);
  const std::string token = corporate_.token();
  ASSERT_TRUE(with(*corporate_door_, bearer(token)));
  give_keys(corporate_, kSteady + 1s);
  EXPECT_TRUE(with(*corporate_door_, bearer(token))) << "fetched again, the same key";
  EXPECT_EQ(worker_.cache_hits, 1U);
  corporate_.rotate("1");  // another key under the old name
  give_keys(corporate_, kSteady + 2s);
  const auto got = with(*corporate_door_, bearer(token));
  ASSERT_FALSE(got);
  EXPECT_EQ(worker_.tokens().size(), 0U);
  EXPECT_TRUE(with(*corporate_door_, bearer(corporate_.token())));
}

TEST_F(Authentication, UsesStaleKeysAndThenSaysUnavailableNeverUnauthorized) {
  give_keys(corporate_);
  const std::string token = corporate_.token();
  EXPECT_TRUE(with(*corporate_door_, bearer(token), kWall, kSteady + 3599s));
  EXPECT_FALSE(try_with(*corporate_door_, bearer(token), kWall, kSteady + 3600s))
      << "a fetch might help";
  FakeRefresher refresher;
  refresher.time = {kWall, kSteady + 3600s};
  refresher.answer = [&](KeySource& source) { source.fetch_failed("away", kSteady + 3600s); };
  for (const std::string& each : {token, corporate_.token("bob"), corporate_.token("eve")}) {
    const auto got = authenticate(*corporate_door_, each, refresher);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, ErrorCode::kUnavailable) << "a remembered token too";
    EXPECT_EQ(got.error().rule, "authenticators.corporate");
  }
  EXPECT_EQ(refresher.fetched, 1) << "callers cause one fetch in 30 s";
  EXPECT_TRUE(corporate_door_->challenges({ErrorCode::kUnavailable, ErrorSource::kUpstream, "", ""})
                  .empty());
  give_keys(corporate_, kSteady + 3700s);
  EXPECT_TRUE(with(*corporate_door_, bearer(token), kWall, kSteady + 3700s));
}

TEST_F(Authentication, WaitsForTheFirstKeys) {
  FakeRefresher refresher;
  refresher.answer = [&](KeySource& source) {
    EXPECT_TRUE(source.fetch_succeeded(corporate_.key_set(), kSteady));
  };
  EXPECT_FALSE(try_with(*corporate_door_, bearer(corporate_.token())));
  const auto got = authenticate(*corporate_door_, corporate_.token(), refresher);
  ASSERT_TRUE(got) << got.error().detail;
  EXPECT_EQ((*got)->subject, "corporate|ann");
  EXPECT_EQ(refresher.fetched, 1);
}

TEST_F(Authentication, PresumesByTheClaimsAndLetsNobodyInByIt) {
  const auto presume = [&](const std::string& token, WallTime wall = kWall) {
    Arena arena;
    http::Fields fields(arena);
    const std::string credentials = "Bearer " + token;
    fields.add("authorization", credentials);
    EXPECT_FALSE(try_with(*both_door_, {{"authorization", "Bearer " + token}}, wall).has_value());
    return both_door_->presume(fields, wall);
  };
  const Result<IdentityRef> alice = presume(corporate_.token("alice", R"(,"roles":["clerk"])"));
  ASSERT_TRUE(alice) << alice.error().detail;
  EXPECT_EQ((*alice)->subject, "corporate|alice");
  EXPECT_EQ((*alice)->roles, std::vector<std::string>{"clerk"});
  const Result<IdentityRef> late =
      presume(corporate_.token("alice"), WallTime(std::chrono::seconds(1'800'009'999)));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().rule, "authenticators.corporate");
  EXPECT_EQ(late.error().detail, "the token has expired");
}

TEST_F(Authentication, FetchesOnceForAnUnknownKeyAndPauses) {
  give_keys(corporate_);
  corporate_.rotate("2");
  FakeRefresher refresher;
  refresher.answer = [&](KeySource& source) {
    EXPECT_TRUE(source.fetch_succeeded(corporate_.key_set(), refresher.time.steady));
  };
  EXPECT_TRUE(authenticate(*corporate_door_, corporate_.token(), refresher)) << "rotated in";
  EXPECT_EQ(refresher.fetched, 1);
  // A flood of made-up names causes nothing more.
  for (int i = 0; i < 100; ++i) {
    const std::string made_up =
        corporate_.sign(R"({"alg":"ES256","kid":"x)" + std::to_string(i) + "\"}", "ann");
    const auto got = authenticate(*corporate_door_, made_up, refresher);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, ErrorCode::kCredentialsInvalid);
  }
  EXPECT_EQ(refresher.fetched, 1);
  EXPECT_EQ(refresher.asked, 1);
  refresher.time.steady += 30s;
  const std::string unknown = corporate_.sign(R"({"alg":"ES256","kid":"y"})", "ann");
  EXPECT_FALSE(authenticate(*corporate_door_, unknown, refresher));
  EXPECT_EQ(refresher.fetched, 2);
}

TEST_F(Authentication, NeverFetchesForABadSignatureOfAKnownKey) {
  give_keys(corporate_);
  Issuer impostor{.name = "corporate"};
  EXPECT_FALSE(with(*corporate_door_, bearer(impostor.token()))) << "decided without a fetch";
  EXPECT_FALSE(with(*corporate_door_, bearer("eyJhbGciOiJub25lIn0.e30.")));
}

TEST_F(Authentication, FetchesForATokenWithoutKeyIdThatNoKeyExplains) {
  give_keys(corporate_);
  EXPECT_TRUE(with(*corporate_door_, bearer(corporate_.sign(R"({"alg":"ES256"})", "ann"))));
  corporate_.rotate("2");
  FakeRefresher refresher;
  refresher.answer = [&](KeySource& source) {
    EXPECT_TRUE(source.fetch_succeeded(corporate_.key_set(), kSteady));
  };
  EXPECT_TRUE(
      authenticate(*corporate_door_, corporate_.sign(R"({"alg":"ES256"})", "bob"), refresher));
}

TEST_F(Authentication, SharesOneFetchBetweenAllWhoWait) {
  give_keys(corporate_);
  corporate_.rotate("2");
  FakeRefresher refresher;
  refresher.hold = true;
  refresher.answer = [&](KeySource& source) {
    EXPECT_TRUE(source.fetch_succeeded(corporate_.key_set(), kSteady));
  };
  std::vector<Result<IdentityRef>> out;
  TaskGroup tasks;
  for (const std::string_view subject : {"a", "b", "c", "d"}) {
    tasks.spawn(run_authenticate(*corporate_door_, corporate_.token(subject), refresher, out));
  }
  EXPECT_EQ(refresher.asked, 4);
  EXPECT_TRUE(out.empty());
  refresher.release();
  ASSERT_EQ(out.size(), 4U);
  for (const auto& got : out) EXPECT_TRUE(got) << got.error().detail;
  EXPECT_EQ(refresher.fetched, 1);
}

TEST_F(Authentication, AsksForWhatItAccepts) {
  const auto texts = [](std::span<const std::string> list) {
    return std::vector<std::string>(list.begin(), list.end());
  };
  const Error missing{ErrorCode::kCredentialsMissing, ErrorSource::kClient, "", ""};
  const Error bad_token{ErrorCode::kCredentialsInvalid, ErrorSource::kClient, "",
                        "authenticators.corporate"};
  const Error no_issuer{ErrorCode::kCredentialsInvalid, ErrorSource::kClient, "", ""};
  const Error bad_key{ErrorCode::kCredentialsInvalid, ErrorSource::kClient, "",
                      "authenticators.machine"};
  const Error two{ErrorCode::kAmbiguousCredentials, ErrorSource::kClient, "", ""};
  const std::string bearer = R"(Bearer realm="shop")";
  const std::string machine = R"(ApiKey realm="shop", header="x-api-key")";
  const std::string robot = R"(ApiKey realm="shop", header="x-robot-key")";
  const std::string invalid_token =
      bearer + R"(, error="invalid_token", error_description="the token is not valid here")";
  EXPECT_EQ(texts(corporate_door_->challenges(missing)), std::vector{bearer})
      << "no error code when nothing was presented";
  EXPECT_EQ(texts(corporate_door_->challenges(bad_token)), std::vector{invalid_token});
  EXPECT_EQ(texts(all_door_->challenges(missing)), (std::vector{bearer, machine, robot}));
  EXPECT_EQ(texts(all_door_->challenges(no_issuer)), (std::vector{invalid_token, machine, robot}));
  EXPECT_EQ(texts(all_door_->challenges(bad_key)), (std::vector{bearer, machine, robot}));
  EXPECT_TRUE(all_door_->challenges(two)[0].contains("invalid_request"));
  EXPECT_TRUE(all_door_->challenges({ErrorCode::kForbidden, ErrorSource::kClient, "", ""}).empty());
  EXPECT_EQ(authenticators_->key_places().all(),
            (std::vector<KeyPlace>{{KeyPlace::Kind::kField, "x-api-key"},
                                   {KeyPlace::Kind::kField, "x-robot-key"}}));
}

TEST_F(Authentication, CompilesNoDoorThatCouldBeMisunderstood) {
  config::Diagnostics diagnostics;
  Issuer twin{.name = "twin"};
  config::Authenticator same = twin.configured();
  same.jwt->issuer = corporate_.iss();
  const auto authenticators = Authenticators::compile({corporate_.configured(), same}, RoleTable(),
                                                      sources_, 9, diagnostics);
  ASSERT_TRUE(diagnostics.ok());
  EXPECT_FALSE(
      Door::compile(authenticators, {{"corporate", {}}, {"twin", {}}}, "shop", diagnostics, "k")
          .open());
  EXPECT_EQ(diagnostics.errors(), 1U) << "one issuer twice";
  EXPECT_FALSE(Door::compile(authenticators, {{"nobody", {}}}, "shop", diagnostics, "k").open())
      << "a name that nothing has must not open the door";
  EXPECT_EQ(diagnostics.errors(), 2U);
}

TEST_F(Authentication, ReadsKeysFromAFile) {
  const std::filesystem::path path = std::filesystem::temp_directory_path() /
                                     ("portcullis-authn-" + std::to_string(::getpid()) + ".json");
  const auto compile = [&](std::string_view text, config::Diagnostics& diagnostics) {
    std::ofstream(path) << text;
    config::Authenticator configured = corporate_.configured();
    configured.jwt->keys.url.clear();
    configured.jwt->keys.file = path;
    return Authenticators::compile({configured}, RoleTable(), sources_, 20, diagnostics);
  };
  config::Diagnostics good;
  authenticators_ = compile(corporate_.key_set(), good);
  EXPECT_TRUE(good.ok());
  EXPECT_TRUE(with(door({"corporate"}), bearer(corporate_.token())));
  EXPECT_FALSE(
      with(door({"corporate"}), bearer(corporate_.sign(R"({"alg":"ES256","kid":"x"})", "a"))))
      << "decided at once: a file is not fetched again";
  for (const std::string_view text : {"", "{}", R"({"keys":[{"kty":"oct","k":"AA"}]})"}) {
    config::Diagnostics bad;
    static_cast<void>(compile(text, bad));
    EXPECT_EQ(bad.errors(), 1U) << text;
  }
  std::filesystem::remove(path);
  config::Diagnostics missing;
  config::Authenticator configured = corporate_.configured();
  configured.jwt->keys = {.url = "", .file = "/nowhere/keys.json"};
  static_cast<void>(Authenticators::compile({configured}, RoleTable(), sources_, 21, missing));
  EXPECT_EQ(missing.errors(), 1U);
}

}  // namespace
}  // namespace portcullis::authn
