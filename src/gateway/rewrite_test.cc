#include "gateway/rewrite.h"

#include "config/rewrites.h"

#include <gtest/gtest.h>

#include <list>
#include <string>

namespace portcullis::gateway {
namespace {

struct Case {
  std::string_view why;
  std::string_view from;
  std::string_view to;
  std::string_view path;  // below the base /v1
  std::string_view wanted;
};

TEST(ShapePath, RewritesWhatFitsAndLeavesTheRest) {
  const Case cases[] = {
      {"literals", "/a/b", "/c", "/v1/a/b", "/c"},
      {"a capture", "/orders/{id}", "/v2/items/{id}", "/v1/orders/7", "/v2/items/7"},
      {"captures in another order", "/{a}/{b}", "/{b}/x/{a}", "/v1/1/2", "/2/x/1"},
      {"the rest", "/old/{rest...}", "/new/{rest...}", "/v1/old/a/b", "/new/a/b"},
      {"no rest", "/old/{rest...}", "/new/{rest...}", "/v1/old/", "/new/"},
      {"everything", "/{rest...}", "/{rest...}", "/v1/a/b/", "/a/b/"},
      {"the root", "/{rest...}", "/x/{rest...}", "/v1/", "/x/"},
      {"a slash at the end", "/a/", "/b", "/v1/a/", "/b"},
      {"a capture that is dropped", "/a/{id}", "/b", "/v1/a/7", "/b"},
      {"escapes stay as they are", "/{a}", "/x/{a}", "/v1/%3F%23%0D%0A%25", "/x/%3F%23%0D%0A%25"},
      {"another path", "/a/b", "/c", "/v1/a/c", "/v1/a/c"},
      {"a longer path", "/a", "/c", "/v1/a/b", "/v1/a/b"},
      {"a shorter path", "/a/b", "/c", "/v1/a", "/v1/a"},
      {"no slash at the end", "/a/", "/c", "/v1/a", "/v1/a"},
      {"an empty segment is no capture", "/a/{id}", "/c", "/v1/a/", "/v1/a/"},
      {"the rest begins behind a slash", "/old/{rest...}", "/c", "/v1/old", "/v1/old"},
      {"a literal is no prefix", "/a", "/c", "/v1/ab", "/v1/ab"},
      {"case matters", "/a", "/c", "/v1/A", "/v1/A"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    const auto from = config::read_path_form(c.from);
    const auto to = config::read_path_form(c.to);
    ASSERT_EQ(from.problem + to.problem + config::captures_problem(from.parts, to.parts), "");
    const config::Rewrite rewrite{from.parts, to.parts, {}};
    const PathShape shape{.base = 3, .strip = false, .rewrites = {&rewrite}};
    Arena arena;
    const auto path = shape_path(shape, c.path, arena);
    ASSERT_TRUE(path);
    EXPECT_EQ(*path, c.wanted);
  }
}

TEST(ShapePath, RefusesAnEncodedSlashInWhatItMoves) {
  const config::Rewrite rewrite{
      config::read_path_form("/files/{name}").parts, config::read_path_form("/{name}").parts, {}};
  const PathShape shape{.base = 0, .strip = false, .rewrites = {&rewrite}};
  Arena arena;
  for (const std::string_view path :
       {"/files/a%2Fb", "/files/%2F", "/files/..%2F..%2Fetc", "/files/a%5Cb"}) {
    const auto shaped = shape_path(shape, path, arena);
    ASSERT_FALSE(shaped) << path;
    EXPECT_EQ(shaped.error().code, ErrorCode::kMalformedPath);
  }
  EXPECT_EQ(shape_path(shape, "/other/a%2Fb", arena).value(), "/other/a%2Fb");
}

TEST(ShapePath, StripsThePrefixOfWhatIsNotRewritten) {
  const config::Rewrite rewrite{
      config::read_path_form("/a").parts, config::read_path_form("/b").parts, {}};
  const PathShape shape{.base = 3, .strip = true, .rewrites = {&rewrite}};
  Arena arena;
  EXPECT_EQ(shape_path(shape, "/v1/a", arena).value(), "/b");
  EXPECT_EQ(shape_path(shape, "/v1/c/d", arena).value(), "/c/d");
  EXPECT_EQ(shape_path(shape, "/v1/", arena).value(), "/");
}

TEST(ShapePath, TakesTheFirstThatFits) {
  std::list<config::Rewrite> rewrites;
  for (const auto& [from, to] : {std::pair("/a/b", "/1"), std::pair("/a/{x}", "/2"),
                                 std::pair("/{rest...}", "/3/{rest...}")})
    rewrites.push_back({config::read_path_form(from).parts, config::read_path_form(to).parts, {}});
  PathShape shape{.base = 0, .strip = false, .rewrites = {}};
  for (const config::Rewrite& one : rewrites) shape.rewrites.push_back(&one);
  Arena arena;
  EXPECT_EQ(shape_path(shape, "/a/b", arena).value(), "/1");
  EXPECT_EQ(shape_path(shape, "/a/c", arena).value(), "/2");
  EXPECT_EQ(shape_path(shape, "/a/c/d", arena).value(), "/3/a/c/d");
}

}  // namespace
}  // namespace portcullis::gateway
