#include "authz/roles.h"

#include <gtest/gtest.h>

#include <array>

namespace portcullis::authz {
namespace {

using Names = std::vector<std::string>;

const std::vector<Operation> kOperations = {
    {"shop", "listOrders"}, {"shop", "getOrder"},   {"shop", "createOrder"}, {"shop", "getOrder"},
    {"files", "readFile"},  {"files", "writeFile"}, {"shop", "status"},      {"files", "status"}};

config::Config roles(const std::vector<std::pair<std::string, Names>>& all) {
  config::Config config;
  for (const auto& [name, permits] : all) {
    config::Role& role = config.roles.emplace_back();
    role.name = name;
    for (const std::string& entry : permits) role.permits.push_back({entry, {0, 7, 3}});
  }
  return config;
}

Permits compile(const config::Config& config) {
  config::Diagnostics diagnostics;
  Permits permits = Permits::compile(config, kOperations, diagnostics);
  EXPECT_TRUE(diagnostics.ok()) << diagnostics.to_string();
  return permits;
}

TEST(Permits, FollowInclusionToItsEnd) {
  const Permits permits = compile(roles({{"clerk", {"listOrders", "getOrder"}},
                                         {"manager", {"clerk", "createOrder"}},
                                         {"owner", {"editor", "manager"}},
                                         {"auditor", {}},
                                         {"editor", {"files.readFile", "files.writeFile"}},
                                         {"monitor", {"shop.status"}}}));
  struct Case {
    std::string_view why;
    std::string_view operation;
    Names want;
  };
  const Case cases[] = {
      {"by inclusion of inclusion", "shop.getOrder", {"clerk", "manager", "owner"}},
      {"by one step", "shop.createOrder", {"manager", "owner"}},
      {"by a role that is written later", "files.readFile", {"owner", "editor"}},
      {"the one that was named of two alike", "shop.status", {"monitor"}},
      {"the other of the two: nobody", "files.status", {}},
      {"not an operation", "shop.deleteOrder", {}},
      {"the short form is for roles alone", "getOrder", {}},
      {"empty", "", {}},
  };
  for (const Case& c : cases) EXPECT_EQ(permits.who_may(c.operation), c.want) << c.why;
  EXPECT_EQ(permits.find("shop.deleteOrder"), nullptr);
}

TEST(OperationPermit, RefusesUnlessARolePermits) {
  const Permits permits = compile(roles({{"clerk", {"getOrder"}}, {"guest", {}}}));
  const OperationPermit& permit = *permits.find("shop.getOrder");
  struct Case {
    std::string_view why;
    std::vector<RoleId> roles;
    bool allowed;
  };
  const Case cases[] = {
      {"the role", {0}, true},
      {"the role among others", {1, 99, 0}, true},
      {"no role", {}, false},
      {"another role", {1}, false},
      {"a number within the word that is no role", {63}, false},
      {"a number beyond all words", {64}, false},
      {"the largest number", {~RoleId{0}}, false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(permit.allows(c.roles), c.allowed) << c.why;
    EXPECT_EQ(permit.check(c.roles).has_value(), c.allowed) << c.why;
  }
  const Error error = permit.check({}).error();
  EXPECT_EQ(error.code, ErrorCode::kForbidden);
  EXPECT_EQ(error.source, ErrorSource::kClient);
  EXPECT_EQ(error.rule, "roles");
  EXPECT_EQ(error.detail, "no role of the caller permits `shop.getOrder`");
}

TEST(OperationPermit, RefusesEverybodyWithoutRoles) {
  const Permits permits = compile(config::Config{});
  const std::array<RoleId, 2> roles = {0, 1};
  EXPECT_FALSE(permits.find("shop.getOrder")->allows(roles));
}

TEST(OperationPermit, HoldsMoreRolesThanAWord) {
  std::vector<std::pair<std::string, Names>> many;
  for (int i = 0; i < 130; ++i) many.push_back({"role" + std::to_string(i), {}});
  many[64].second = {"getOrder"};
  many[129].second = {"role64"};
  const Permits permits = compile(roles(many));
  EXPECT_EQ(permits.who_may("shop.getOrder"), (Names{"role64", "role129"}));
}

TEST(Permits, RefuseEntriesThatDoNotMeanOneThing) {
  struct Case {
    std::string_view why;
    std::string entry;
    std::string_view want;
  };
  const Case cases[] = {
      {"unknown", "getOrders", "`getOrders` is neither a role nor an operation"},
      {"empty", "", "`` is neither a role nor an operation"},
      {"another API's", "files.getOrder", "`files.getOrder` is neither a role nor an operation"},
      {"an API alone", "shop", "`shop` is neither a role nor an operation"},
      {"a prefix", "shop.", "`shop.` is neither a role nor an operation"},
      {"no wildcards", "shop.*", "`shop.*` is neither a role nor an operation"},
      {"case matters", "GetOrder", "`GetOrder` is neither a role nor an operation"},
      {"of two APIs", "status", "`status` is an operation of several APIs: name the API too"},
      {"a role too", "readFile", "`readFile` is a role and an operation"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    config::Diagnostics diagnostics;
    const Permits permits =
        Permits::compile(roles({{"clerk", {c.entry}}, {"readFile", {}}}), kOperations, diagnostics);
    ASSERT_EQ(diagnostics.all().size(), 1U);
    EXPECT_EQ(diagnostics.all()[0].key, "roles.clerk");
    EXPECT_EQ(diagnostics.all()[0].message, c.want);
    EXPECT_EQ(diagnostics.all()[0].at.line, 7U);
    for (const Operation& operation : kOperations) {
      EXPECT_TRUE(permits.who_may(operation.api + "." + operation.name).empty());
    }
  }
}

TEST(Permits, EndOnACircleAndPermitNothingTwice) {
  const Permits permits =
      compile(roles({{"a", {"b", "a"}}, {"b", {"c"}}, {"c", {"a", "getOrder", "getOrder"}}}));
  EXPECT_EQ(permits.who_may("shop.getOrder"), (Names{"a", "b", "c"}));
}

TEST(Permits, SayWhyARolePermitsAnOperation) {
  const Permits permits = compile(roles(
      {{"clerk", {"getOrder"}}, {"boss", {"clerk", "files.writeFile"}}, {"chair", {"boss"}}}));
  const auto way = [&](std::string_view operation, std::vector<RoleId> from) {
    std::string text;
    for (const Permits::Grant& grant : permits.why(operation, from))
      text += grant.role + ">" + grant.entry + " ";
    return text;
  };
  EXPECT_EQ(way("shop.getOrder", {0}), "clerk>getOrder ");
  EXPECT_EQ(way("shop.getOrder", {2}), "chair>boss boss>clerk clerk>getOrder ");
  EXPECT_EQ(way("shop.getOrder", {2, 0}), "clerk>getOrder ") << "the shortest way";
  EXPECT_EQ(way("files.writeFile", {0, 1}), "boss>files.writeFile ");
  EXPECT_EQ(way("files.writeFile", {0}), "");
  EXPECT_EQ(way("shop.nothing", {0, 1, 2}), "");
  EXPECT_EQ(way("shop.getOrder", {}), "");
  EXPECT_EQ(way("shop.getOrder", {99}), "") << "a number that is no role";
  EXPECT_EQ(permits.why("shop.getOrder", std::vector<RoleId>{0}).front().at.line, 7U);
}

}  // namespace
}  // namespace portcullis::authz
