#include "config/scalars.h"

#include "config/nearest.h"

#include <gtest/gtest.h>

namespace portcullis::config {
namespace {

using namespace std::chrono_literals;

TEST(ParseDuration, TakesOneNumberAndOneUnit) {
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("5s"), 5s);
  EXPECT_EQ(parse_duration("10m"), 10min);
  EXPECT_EQ(parse_duration("24h"), 24h);
  EXPECT_EQ(parse_duration("365d"), 24h * 365);
  EXPECT_EQ(parse_duration("0s"), 0s);
  for (const std::string_view bad :
       {"", "s", "5", "5 s", " 5s", "5s ", "-5s", "+5s", "1.5s", "1h30m", "5S", "5sec", "05s",
        "5us", "99999999999d", "999999999999999999999s", "5s\n", "٥s"})
    EXPECT_FALSE(parse_duration(bad)) << bad;
}

TEST(ParseRate, TakesANumberPerDuration) {
  struct Case {
    std::string_view text;
    std::uint64_t count;
    milliseconds per;
  };
  const Case good[] = {
      {"200/s", 200, 1s}, {"600/m", 600, 1min},  {"5/15m", 5, 15min},   {"100/h", 100, 1h},
      {"10/d", 10, 24h},  {"200/30s", 200, 30s}, {"1/100ms", 1, 100ms},
  };
  for (const Case& c : good) {
    const auto rate = parse_rate(c.text);
    ASSERT_TRUE(rate) << c.text;
    EXPECT_EQ(rate->count, c.count) << c.text;
    EXPECT_EQ(rate->per, c.per) << c.text;
  }
  for (const std::string_view bad :
       {"", "200", "/s", "200/", "0/s", "200/0s", "200 / s", "1.5/s", "-1/s", "200/second",
        "200/s/s", "2000000000/s", "200/month", "five/s"})
    EXPECT_FALSE(parse_rate(bad)) << bad;
}

TEST(ParseSize, CountsInPowersOfTwo) {
  EXPECT_EQ(parse_size("0"), 0U);
  EXPECT_EQ(parse_size("65536"), 65536U);
  EXPECT_EQ(parse_size("64KiB"), 65536U);
  EXPECT_EQ(parse_size("1MiB"), 1048576U);
  EXPECT_EQ(parse_size("2GiB"), 2147483648U);
  for (const std::string_view bad : {"", "KiB", "1KB", "1kib", "1k", "1 KiB", "-1", "1.5MiB", "01",
                                     "0x10", "99999999999GiB", "1TiB", "1MiB1"})
    EXPECT_FALSE(parse_size(bad)) << bad;
}

TEST(ParseDayEnd, IsTheFirstSecondAfterTheDay) {
  EXPECT_EQ(parse_day_end("1970-01-01")->time_since_epoch(), 24h);
  EXPECT_EQ(parse_day_end("2027-01-31")->time_since_epoch().count(), 1801440000);
  EXPECT_TRUE(parse_day_end("2028-02-29"));
  for (const std::string_view bad :
       {"", "2027-1-31", "2027-02-29", "2027-13-01", "2027-00-10", "2027-01-00", "27-01-31",
        "2027/01/31", "2027-01-31T00:00:00Z", "1969-12-31", "2027-01-3x", "-027-01-31"})
    EXPECT_FALSE(parse_day_end(bad)) << bad;
}

TEST(ParseHost, FoldsCaseAndRefusesWhatReadersTakeDifferently) {
  EXPECT_EQ(parse_host("Example.COM"), "example.com");
  EXPECT_EQ(parse_host("localhost"), "localhost");
  EXPECT_EQ(parse_host("my_service"), "my_service");
  EXPECT_EQ(parse_host("10.0.0.1"), "10.0.0.1");
  for (const std::string_view bad :
       {"", ".", "a.", ".a", "a..b", "a b", "a:80", "[::1]", "10.0.0.300", "10.1", "2130706433",
        "010.0.0.1", "a/b", "*.a", "a@b", "bücher.example", "a%2e"})
    EXPECT_FALSE(parse_host(bad)) << bad;
  EXPECT_FALSE(parse_host(std::string(64, 'a')));
  EXPECT_FALSE(parse_host(std::string(254, 'a')));
}

TEST(ParseHostPort, NeedsBoth) {
  EXPECT_EQ(parse_host_port("a.internal:9000")->host, "a.internal");
  EXPECT_EQ(parse_host_port("a.internal:9000")->port, 9000);
  EXPECT_EQ(parse_host_port("[::1]:1")->host, "::1");
  for (const std::string_view bad :
       {"", "a", ":80", "a:", "a:0", "a:65536", "a:080", "a:+80", "::1:80", "[::1]", "[a]:80",
        "[10.0.0.1]:80", "http://a:80", "a:80/", "a b:80"})
    EXPECT_FALSE(parse_host_port(bad)) << bad;
}

TEST(Paths, TemplatesTakeWholeSegments) {
  for (const std::string_view good :
       {"/", "/orders", "/orders/", "/orders/{id}", "/{a}/{b}", "/a.b/~c/@d:e,f", "/.well-known/x",
        "/{path...}", "/a/{id}/{path...}"})
    EXPECT_EQ(path_template_problem(good), "") << good;
  for (const std::string_view bad :
       {"",         "orders",       "{id}",     "/a//b",      "//",       "/a/{id",    "/a/id}",
        "/a/x{id}", "/a/{id}.json", "/{}",      "/{a b}",     "/{a}/{a}", "/{{a}}",    "/a/..",
        "/./a",     "/a?b",         "/a#b",     "/a%20b",     "/a b",     "/a;b",      "/a\\b",
        "/é",       "/*",           "/:id",     "/{...}",     "/{a...}/", "/{a...}/b", "/{a..}",
        "/{a....}", "/{...a}",      "/x{a...}", "/{a}/{a...}"})
    EXPECT_NE(path_template_problem(bad), "") << bad;
  EXPECT_EQ(path_shape("/orders/{id}/lines/{line}"), "/orders/{}/lines/{}");
  EXPECT_EQ(path_shape("/orders/{id}"), path_shape("/orders/{order}"));
  EXPECT_NE(path_shape("/orders/{id}"), path_shape("/orders/id"));
  EXPECT_EQ(path_shape("/a/{path...}"), "/a/{...}");
  EXPECT_NE(path_shape("/a/{path...}"), path_shape("/a/{path}"));
}

TEST(Paths, BasesHaveNeitherParametersNorAnEnd) {
  for (const std::string_view good : {"", "/v1", "/a/b"}) EXPECT_EQ(base_path_problem(good), "");
  for (const std::string_view bad :
       {"v1", "/", "/v1/", "/a//b", "/{id}", "/a/../b", "/a?", "/%41", "/a b"})
    EXPECT_NE(base_path_problem(bad), "") << bad;
}

TEST(KeyUrl, IsSecureOrStaysOnThisMachine) {
  for (const std::string_view good :
       {"https://login.example.com/jwks.json", "https://login.example.com", "https://a:8443/x?y=1",
        "http://localhost:4000/jwks", "http://127.0.0.1/jwks", "http://127.8.9.1:1/jwks",
        "http://[::1]:4000/jwks", "https://[2001:db8::1]/x"})
    EXPECT_EQ(key_url_problem(good), "") << good;
  for (const std::string_view bad :
       {"", "login.example.com", "ftp://a/x", "http://login.example.com/x",
        "http://localhost.example.com/x", "http://127.0.0.1.example.com/x", "http://10.0.0.1/x",
        "http://[::2]/x", "http://localhost@example.com/", "https://user:pw@a/x", "https:///x",
        "https://a b/x", "https://a/x#y", "https://a:0/x", "https://a:99999/", "HTTPS://a/x",
        "http://localhost\\@evil/", "https://a/\"x"})
    EXPECT_NE(key_url_problem(bad), "") << bad;
}

TEST(Names, AreLettersDigitsAndTwoMarks) {
  for (const std::string_view good : {"a", "shop", "shop-2", "Shop_2", "2", "_x"})
    EXPECT_TRUE(is_name(good)) << good;
  for (const std::string_view bad : {"", "-a", "a.b", "a b", "a|b", "a/b", "ä", "a\n"})
    EXPECT_FALSE(is_name(bad)) << bad;
  EXPECT_TRUE(is_name(std::string(64, 'a')));
  EXPECT_FALSE(is_name(std::string(65, 'a')));
}

TEST(ReservedField, KeepsFramingAndOurOwnFieldsOurs) {
  for (const std::string_view bad : {"host", "content-length", "transfer-encoding", "connection",
                                     "te", "upgrade", "x-forwarded-for", "x-forwarded-anything",
                                     "forwarded", "via", "x-request-id", "proxy-authorization"})
    EXPECT_NE(reserved_field(bad), "") << bad;
  for (const std::string_view good : {"x-user", "x-tenant", "x-forwarder"})
    EXPECT_EQ(reserved_field(good), "") << good;
}

TEST(Nearest, FindsTheNameThatWasMeant) {
  const std::vector<std::string_view> names = {"listeners", "limits", "log", "apis", "upstreams"};
  EXPECT_EQ(nearest("lisetners", names), "listeners");
  EXPECT_EQ(nearest("listener", names), "listeners");
  EXPECT_EQ(nearest("Listeners", names), "listeners");
  EXPECT_EQ(nearest("api", names), "apis");
  EXPECT_EQ(nearest("limts", names), "limits");
  EXPECT_EQ(nearest("upstraem", names), "upstreams");
  EXPECT_EQ(nearest("routes", names), "");
  EXPECT_EQ(nearest("", names), "");
  EXPECT_EQ(nearest("x", {}), "");
  EXPECT_EQ(nearest(std::string(1000, 'a'), names), "");
  EXPECT_EQ(did_you_mean("lgo", names), "; did you mean `log`?");
}

TEST(Quote, ShowsNoControlsAndNoHalfCharacters) {
  EXPECT_EQ(quote("a\x1b[0m\n"), "`a?[0m?`");
  EXPECT_EQ(quote(std::string(59, 'a') + "é"), "`" + std::string(59, 'a') + "…`");
  EXPECT_EQ(quote(std::string(61, 'a')), "`" + std::string(60, 'a') + "…`");
  EXPECT_EQ(quote(std::string(60, 'a')), "`" + std::string(60, 'a') + "`");
}

}  // namespace
}  // namespace portcullis::config
