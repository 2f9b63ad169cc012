#include "cedar/engine.h"

#include "cedar/entities_json.h"
#include "cedar/policy_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace portcullis::cedar {
namespace {

constexpr std::string_view kEntities = R"([
  {"uid": {"type": "User", "id": "alice"}, "attrs": {"age": 30, "name": "Alice",
   "boss": {"__entity": {"type": "User", "id": "bob"}}, "groups": ["a", "b"],
   "address": {"city": "Rome", "zip": {"code": 1}}}, "parents": [{"type": "Group", "id": "staff"}],
   "tags": {"level": 3}},
  {"uid": {"type": "User", "id": "bob"}, "attrs": {}, "parents": []},
  {"uid": {"type": "Group", "id": "staff"}, "attrs": {}, "parents": [{"type": "Group", "id": "all"}]},
  {"uid": {"type": "Doc", "id": "d"}, "attrs": {"owner": {"__entity": {"type": "User", "id": "alice"}}},
   "parents": [{"type": "Folder", "id": "f"}]},
  {"uid": {"type": "Action", "id": "view"}, "attrs": {}, "parents": [{"type": "Action", "id": "read"}]}
])";

constexpr std::string_view kRequest = R"({"principal": {"type": "User", "id": "alice"},
  "action": {"type": "Action", "id": "view"}, "resource": {"type": "Doc", "id": "d"},
  "context": {"n": 5, "unknown": "x", "ip": {"__extn": {"fn": "ip", "arg": "10.1.2.3"}}}})";

// Policies, entities and a request together.
class World {
 public:
  explicit World(std::string policies, std::string_view entities = kEntities) {
    const Source& source = set_.add_source(Source("p", std::move(policies)));
    for (const Finding& finding : parse_policies(source, set_))
      ADD_FAILURE() << source.describe(finding);
    auto read = read_entities(entities, symbols_);
    if (!read) {
      ADD_FAILURE() << to_string(read.error());
    } else {
      entities_ = std::move(*read);
    }
    engine_.emplace(Engine::compile(set_, symbols_));
  }

  // "allow policy0 policy1 ! policy2: why"
  std::string decide(std::string_view text = kRequest) {
    Arena arena;
    RequestNames names(symbols_, arena);
    const auto request = read_request(text, names, arena);
    if (!request) return "error: " + to_string(request.error());
    engine_->decide(*request, entities_, arena, decision_);
    std::string out = decision_.allow ? "allow" : "deny";
    for (const std::uint32_t policy : decision_.determining)
      out += " " + std::string(engine_->policies()[policy].id);
    for (const PolicyError& error : decision_.errors)
      out += " ! " + std::string(engine_->policies()[error.policy].id) + ": " +
             describe(error.error, names);
    return out;
  }

  PolicySet& set() { return set_; }

 private:
  PolicySet set_;
  Symbols symbols_;
  Entities entities_;
  std::optional<Engine> engine_;
  Decision decision_;
};

// What one condition comes to: "true", "false", or "! why".
std::string value_of(std::string_view condition) {
  const std::string got =
      World("permit(principal, action, resource) when { " + std::string(condition) + " };")
          .decide();
  if (got == "allow policy0") return "true";
  if (got == "deny") return "false";
  constexpr std::string_view kError = "deny ! policy0: ";
  return got.starts_with(kError) ? "! " + got.substr(kError.size()) : got;
}

TEST(Evaluation, OfEveryOperator) {
  struct Case {
    std::string_view text;
    std::string_view want;
  };
  const Case cases[] = {
      {"1 == 1 && 1 != 2 && 1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3", "true"},
      {"1 == \"1\" || 1 == true || [1] == {a: 1}", "false"},
      {"1 + 2 * 3 - 4 == 3 && -principal.age == -30", "true"},
      {"context.n + 9223372036854775807 == 0", "! the result does not fit into 64 bits"},
      {"context.n * 9223372036854775807 == 0", "! the result does not fit into 64 bits"},
      {"-9223372036854775808 - context.n == 0", "! the result does not fit into 64 bits"},
      {"9223372036854775807 + 1 == 0", "! the result does not fit into 64 bits"},
      {"-(-9223372036854775808) == 0", "! the result does not fit into 64 bits"},
      {"false && 1", "false"},
      {"true && 1", "! expected Bool, found 1 (Long)"},
      {"true || 1", "true"},
      {"false || 1", "! expected Bool, found 1 (Long)"},
      {"1 || true", "! expected Bool, found 1 (Long)"},
      {"false && principal.nothing", "false"},
      {"principal.nothing && false", "! `User::\"alice\"` has no attribute `nothing`"},
      {"principal.nothing || true", "! `User::\"alice\"` has no attribute `nothing`"},
      {"if 1 < 2 then true else principal.nothing", "true"},
      {"if 1 then true else false", "! expected Bool, found 1 (Long)"},
      {"!(1 == 2)", "true"},
      {"!1", "! expected Bool, found 1 (Long)"},
      {"1 < \"a\"", "! expected Long, found \"a\" (String)"},
      {"\"a\" < \"b\"", "! expected Long, datetime or duration, found \"a\" (String)"},
      {"1 + \"a\" == 2", "! expected Long, found \"a\" (String)"},
      {"principal.boss == User::\"bob\" && resource.owner == principal", "true"},
      {"User::\"nobody\".x", "! the entity `User::\"nobody\"` does not exist"},
      {"User::\"nobody\" has x", "false"},
      {"principal has age && !(principal has boss.x)", "true"},
      {"principal has address.zip.code && !(principal has address.street.name)", "true"},
      {"principal has age.x", "! expected entity or record, found 30 (Long)"},
      {"context has unknown && context.unknown == \"x\"", "true"},
      {"context == {n: 5, unknown: \"x\", ip: ip(\"10.1.2.3\")}", "true"},
      {"1 has x", "! expected entity or record, found 1 (Long)"},
      {"\"a\".b", "! expected entity or record, found \"a\" (String)"},
      {"{a: 1}.b == 1", "! `{a: 1}` has no attribute `b`"},
      {"principal in Group::\"staff\" && principal in Group::\"all\"", "true"},
      {"principal in principal && principal in [User::\"bob\", Group::\"all\"]", "true"},
      {"principal in User::\"bob\" || principal in []", "false"},
      {"User::\"nobody\" in User::\"nobody\" && !(User::\"nobody\" in Group::\"all\")", "true"},
      {"principal in [Group::\"all\", 1]", "! expected entity, found 1 (Long)"},
      {"principal in 1", "! expected entity or set of entities, found 1 (Long)"},
      {"1 in principal", "! expected entity, found 1 (Long)"},
      {"resource in Folder::\"f\" && action in Action::\"read\"", "true"},
      {"principal is User && !(principal is Group) && !(principal is Nothing)", "true"},
      {"principal is User in Group::\"all\" && !(principal is User in Group::\"x\")", "true"},
      {"1 is User", "! expected entity, found 1 (Long)"},
      {"principal.groups.contains(\"a\") && !principal.groups.contains(1)", "true"},
      {"[1, 2, 2] == [2, 1] && [] == [[]].contains([])", "false"},
      {"[1, 2, 2] == [2, 1] && [[1]].contains([1])", "true"},
      {"[1, 2].containsAll([2]) && [1].containsAny([1, 2]) && ![1].containsAny([])", "true"},
      {"[1].containsAll([]) && [].isEmpty() && !principal.groups.isEmpty()", "true"},
      {"1.contains(1)", "! expected Set, found 1 (Long)"},
      {"[1].containsAll(1)", "! expected Set, found 1 (Long)"},
      {"principal.getTag(\"level\") == 3 && principal.hasTag(\"level\")", "true"},
      {"principal.hasTag(\"nothing\") || User::\"nobody\".hasTag(\"x\")", "false"},
      {"principal.getTag(\"age\") == 3", "! `User::\"alice\"` has no tag `age`"},
      {"User::\"nobody\".getTag(\"x\") == 1", "! the entity `User::\"nobody\"` does not exist"},
      {"principal.getTag(1) == 1", "! expected String, found 1 (Long)"},
      {"principal.name like \"A*e\" && principal.name like \"*\" && !(principal.name like \"a*\")",
       "true"},
      {"1 like \"a\"", "! expected String, found 1 (Long)"},
      {"context.ip.isInRange(ip(\"10.0.0.0/8\")) && context.ip.isIpv4()", "true"},
      {"ip(\"1.2.3\").isIpv4()", "! `ip` got a string that it cannot read"},
      {"ip(1).isIpv4()", "! expected String, found 1 (Long)"},
      {"ip(\"1.2.3.4\", 1).isIpv4()", "! `ip` got the wrong number of arguments"},
      {"context.ip.lessThan(decimal(\"1.0\"))",
       "! expected decimal, found ip(\"10.1.2.3\") (ipaddr)"},
      {"decimal(\"1.5\").lessThan(decimal(\"1.50001\"))",
       "! `decimal` got a string that it cannot read"},
      {"decimal(\"1.5\") == decimal(\"1.50\") && decimal(\"1.5\").greaterThan(decimal(\"-1.5\"))",
       "true"},
      {"datetime(\"2024-01-02\") < datetime(\"2024-01-02T00:00:01Z\")", "true"},
      {"datetime(\"2024-01-02\").offset(duration(\"1d\")) == datetime(\"2024-01-03\")", "true"},
      {"duration(\"1h\") > duration(\"59m59s\") && duration(\"1d2h\").toHours() == 26", "true"},
      {"datetime(\"2024-01-02\") < duration(\"1d\")",
       "! expected datetime, found duration(\"86400000ms\") (duration)"},
      {"datetime(\"1969-12-31T23:00:00Z\").toDate() == datetime(\"1969-12-31\")", "true"},
      {"datetime(\"1969-12-31T23:00:00Z\").toTime() == duration(\"23h\")", "true"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    EXPECT_EQ(value_of(c.text), c.want);
  }
}

TEST(Patterns, MatchAsCedarDoes) {
  struct Case {
    std::string_view text;
    std::string_view pattern;
    bool want;
  };
  const Case cases[] = {
      {"", "", true},
      {"", "*", true},
      {"a", "", false},
      {"abc", "a*c", true},
      {"ac", "a*c", true},
      {"a", "a*a", false},
      {"aa", "a*a", true},
      {"abcbd", "a*b*d", true},
      {"abab", "*ab", true},
      {"aXbXc", "a*X*X*c", true},
      {"aXc", "a*X*X*c", false},
      {"abc", "*b", false},
      {"é", "*é*", true},
      {"a*b", "a\\*b", true},
      {"axb", "a\\*b", false},
      {"aaa", "**a**", true},
      {"abc", "abc", true},
      {"abcd", "abc", false},
      {"xyx", "x*yx*", true},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(c.text) + " like " + std::string(c.pattern));
    const std::string condition =
        "\"" + std::string(c.text) + "\" like \"" + std::string(c.pattern) + "\"";
    EXPECT_EQ(value_of(condition), c.want ? "true" : "false");
    // The same where nothing can be folded.
    const std::string dynamic = "(if context.n == 5 then \"" + std::string(c.text) +
                                "\" else \"\") like \"" + std::string(c.pattern) + "\"";
    EXPECT_EQ(value_of(dynamic), c.want ? "true" : "false");
  }
}

TEST(Decisions, FollowCedarsRules) {
  struct Case {
    std::string_view why;
    std::string_view policies;
    std::string_view want;
  };
  const Case cases[] = {
      {"nothing permits", "", "deny"},
      {"all permits that hold determine",
       "permit(principal, action, resource); permit(principal, action, resource) when { false };"
       "permit(principal is User, action, resource);",
       "allow policy0 policy2"},
      {"a forbid outweighs them",
       "permit(principal, action, resource); forbid(principal, action, resource);", "deny policy1"},
      {"a forbid that errs is skipped",
       "permit(principal, action, resource); forbid(principal, action, resource) when { 1 };",
       "allow policy0 ! policy1: expected Bool, found 1 (Long)"},
      {"a permit that errs is skipped and told of",
       "permit(principal, action, resource) when { 1 };",
       "deny ! policy0: expected Bool, found 1 (Long)"},
      {"unless", "permit(principal, action, resource) unless { principal.age < 18 };",
       "allow policy0"},
      {"every condition must hold",
       "permit(principal, action, resource) when { true } when { false };", "deny"},
      {"heads",
       "permit(principal == User::\"alice\", action == Action::\"view\", resource == Doc::\"d\");"
       "permit(principal in Group::\"all\", action in Action::\"read\", resource in Folder::\"f\");"
       "permit(principal is User in Group::\"all\", action in [Action::\"x\", Action::\"read\", "
       "Action::\"view\"], resource is Doc);"
       "permit(principal == User::\"bob\", action, resource);"
       "permit(principal in User::\"bob\", action, resource);"
       "permit(principal is Doc, action, resource);"
       "permit(principal, action == Action::\"read\", resource);"
       "permit(principal, action in [], resource);"
       "permit(principal, action, resource is Doc in Folder::\"g\");"
       "permit(principal is Group in Group::\"all\", action, resource);"
       "permit(principal, action in Action::\"view\", resource);",
       "allow policy0 policy1 policy2 policy10"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    EXPECT_EQ(World(std::string(c.policies)).decide(), c.want);
  }
}

TEST(Decisions, OfLinkedTemplates) {
  PolicySet set;
  const Source& source = set.add_source(
      Source("p", "permit(principal == ?principal, action, resource in ?resource);"));
  ASSERT_TRUE(parse_policies(source, set).empty());
  ASSERT_TRUE(set.link({"one", "policy0", EntityUid{"User", "alice"}, EntityUid{"Folder", "f"}}));
  ASSERT_TRUE(set.link({"two", "policy0", EntityUid{"User", "bob"}, EntityUid{"Folder", "f"}}));
  Symbols symbols;
  const auto entities = read_entities(kEntities, symbols);
  ASSERT_TRUE(entities);
  const Engine engine = Engine::compile(set, symbols);
  Arena arena;
  RequestNames names(symbols, arena);
  const auto request = read_request(kRequest, names, arena);
  ASSERT_TRUE(request);
  Decision decision;
  engine.decide(*request, *entities, arena, decision);
  EXPECT_TRUE(decision.allow);
  ASSERT_EQ(decision.determining.size(), 1U);
  EXPECT_EQ(engine.policies()[decision.determining[0]].id, "one");
}

TEST(Decisions, SeeTheEntitiesOfTheRequestFirst) {
  PolicySet set;
  const Source& source = set.add_source(Source(
      "p", "permit(principal in Group::\"all\", action, resource) when { principal.age == 7 };"));
  ASSERT_TRUE(parse_policies(source, set).empty());
  Symbols symbols;
  const auto entities = read_entities(kEntities, symbols);
  ASSERT_TRUE(entities);
  const Engine engine = Engine::compile(set, symbols);
  Arena arena;
  RequestNames names(symbols, arena);
  auto request = read_request(
      R"({"principal":"User::\"carol\"","action":"Action::\"view\"","resource":"Doc::\"d\""})",
      names, arena);
  ASSERT_TRUE(request) << to_string(request.error());
  RequestEntity carol;
  carol.id = request->principal;
  std::vector<Field> attributes = {{names.name("age"), Value::of_long(7)}};
  carol.data.attributes = *make_record(arena, attributes);
  carol.data.ancestors = IdSet::make(arena, {names.entity(EntityUid{"Group", "staff"})});
  request->entities = {&carol, 1};
  Decision decision;
  engine.decide(*request, *entities, arena, decision);
  EXPECT_TRUE(decision.allow);
}

TEST(Decisions, AreTheSameHoweverManyEntitiesAndAncestorsThereAre) {
  std::string entities = "[";
  for (int i = 0; i < 300; ++i) {
    if (i > 0) entities += ",";
    entities += R"({"uid":{"type":"G","id":")" + std::to_string(i) + R"("},"attrs":{"n":)" +
                std::to_string(i) + R"(},"parents":[)";
    if (i + 1 < 300) entities += R"({"type":"G","id":")" + std::to_string(i + 1) + R"("})";
    entities += "]}";
  }
  entities += "]";
  World world(
      "permit(principal in G::\"299\", action, resource) when { principal.n == 0 };"
      "forbid(principal in G::\"300\", action, resource);",
      entities);
  EXPECT_EQ(world.decide(R"({"principal":{"type":"G","id":"0"},"action":{"type":"Action","id":"x"},
            "resource":{"type":"G","id":"1"},"context":{}})"),
            "allow policy0");
}

TEST(EntitiesJson, RefusesWhatCedarRefuses) {
  struct Case {
    std::string_view text;
    std::string_view want;
  };
  const Case cases[] = {
      {"{}", "expected an array of entities"},
      {"[1]", "at /0: expected an entity, which is an object"},
      {R"([{"attrs":{},"parents":[]}])", "at /0: an entity needs `uid`"},
      {R"([{"uid":{"type":"A","id":"b"},"parents":[]}])", "at /0: an entity needs `attrs`"},
      {R"([{"uid":{"type":"A","id":"b"},"attrs":{}}])", "at /0: an entity needs `parents`"},
      {R"([{"uid":"A::\"b\"","attrs":{},"parents":[]}])",
       "at /0/uid: expected an entity: {\"type\": \"User\", \"id\": \"alice\"}"},
      {R"([{"uid":{"type":"A ","id":"b"},"attrs":{},"parents":[]}])",
       "at /0/uid: \"A \" is no name of an entity type"},
      {R"([{"uid":{"type":"A","id":"b"},"attrs":{"x/y":null},"parents":[]}])",
       "at /0/attrs/x~1y: null is no value of Cedar; leave the attribute out"},
      {R"([{"uid":{"type":"A","id":"b"},"attrs":{"x":[{"__extn":{"fn":"ip","arg":"x"}}]},"parents":[]}])",
       "at /0/attrs/x/0: \"x\" cannot be read as ipaddr"},
      {R"([{"uid":{"type":"A","id":"b"},"attrs":{"x":{"__extn":{"fn":"foo","arg":"x"}}},"parents":[]}])",
       "at /0/attrs/x: there is no extension function \"foo\""},
      {R"([{"uid":{"type":"A","id":"b"},"attrs":{"x":{"__expr":"1"}},"parents":[]}])",
       "at /0/attrs/x: the escape `__expr` is no longer part of Cedar's JSON"},
      {R"([{"uid":{"type":"A","id":"b"},"attrs":{"x":18446744073709551615},"parents":[]}])",
       "at /0/attrs/x: this number is too great for a Long"},
      {R"([{"uid":{"type":"A","id":"b"},"attrs":{},"parents":[{"type":"A","id":"b"}]}])",
       "`A::\"b\"` or one of its ancestors is its own ancestor"},
      {R"([{"uid":{"type":"A","id":"b"},"attrs":{},"parents":[{"type":"A","id":"c"}]},
           {"uid":{"type":"A","id":"c"},"attrs":{},"parents":[{"type":"A","id":"b"}]}])",
       "`A::\"b\"` or one of its ancestors is its own ancestor"},
      {R"([{"uid":{"type":"A","id":"b"},"attrs":{},"parents":[]},
           {"uid":{"type":"A","id":"b"},"attrs":{"x":1},"parents":[]}])",
       "at /1: `A::\"b\"` stands here a second time, and differs"},
      {R"([{"uid":{"type":"Action","id":"b"},"attrs":{},"parents":[{"type":"A","id":"b"}]}])",
       "at /0/parents/0: the parent of an action must be an action"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    Symbols symbols;
    const auto read = read_entities(c.text, symbols);
    ASSERT_FALSE(read);
    EXPECT_EQ(to_string(read.error()), c.want);
  }
  Symbols symbols;
  EXPECT_TRUE(read_entities(R"([{"uid":{"type":"A","id":"b"},"attrs":{"x":1},"parents":[]},
      {"uid":{"__entity":{"type":"A","id":"b"}},"attrs":{"x":1},"parents":[],"more":1}])",
                            symbols));
  std::string deep(100, '[');
  EXPECT_FALSE(read_entities(R"([{"uid":{"type":"A","id":"b"},"attrs":{"x":)" + deep, symbols));
}

constexpr std::string_view kSchema =
    "entity Group; entity User in [Group] { ip: ipaddr, born?: datetime, boss?: User, "
    "score: Set<decimal> } tags Long; entity Color enum [\"red\", \"green\"];"
    "action view appliesTo { principal: User, resource: User, context: { at: { when: datetime }, "
    "color?: Color } };";

TEST(Schemas, DirectHowValuesAreRead) {
  const auto schema = Schema::parse(kSchema);
  ASSERT_TRUE(schema) << schema.error().front().message;
  const auto read = [&](std::string_view entities) -> std::string {
    Symbols symbols;
    const auto result = read_entities(entities, symbols, &*schema);
    return result ? "fine" : to_string(result.error());
  };
  const std::string user =
      R"([{"uid":{"type":"User","id":"a"},"parents":[PARENTS],"attrs":ATTRS}])";
  const auto user_with = [&](std::string_view attributes, std::string_view parents = "") {
    std::string text = user;
    text.replace(text.find("PARENTS"), 7, parents);
    text.replace(text.find("ATTRS"), 5, attributes);
    return read(text);
  };
  EXPECT_EQ(user_with(R"({"ip":"10.0.0.1","score":["1.0",{"fn":"decimal","arg":"2.0"}],
                         "boss":{"type":"User","id":"b"},"born":"2000-01-01"})",
                      R"({"type":"Group","id":"g"})"),
            "fine");
  EXPECT_EQ(user_with(R"({"score":[]})"), "at /0/attrs: the attribute \"ip\" is missing");
  EXPECT_EQ(user_with(R"({"ip":"10.0.0.1","score":[],"bos":1})"),
            "at /0/attrs: the schema has no attribute \"bos\" here; did you mean `boss`?");
  EXPECT_EQ(user_with(R"({"ip":1,"score":[]})"), "at /0/attrs/ip: expected ipaddr, as a string");
  EXPECT_EQ(user_with(R"({"ip":"10.0.0.1","score":"1.0"})"),
            "at /0/attrs/score: expected Set<decimal>");
  EXPECT_TRUE(user_with(R"({"ip":"10.0.0.1","score":[],"boss":{"type":"Group","id":"b"}})")
                  .starts_with("at /0/attrs/boss: expected User"));
  EXPECT_TRUE(user_with(R"({"ip":"10.0.0.1","score":[]})", R"({"type":"Color","id":"red"})")
                  .starts_with("at /0: `User::\"a\"` cannot be in"));
  EXPECT_EQ(read(R"([{"uid":{"type":"Nobody","id":"a"},"parents":[],"attrs":{}}])"),
            "at /0: the schema has no entity type `Nobody`");
  EXPECT_TRUE(read(R"([{"uid":{"type":"Color","id":"blue"},"parents":[],"attrs":{}}])")
                  .starts_with("at /0/uid: `Color::\"blue\"` is none of the entities"));
}

TEST(Schemas, HoldRequestsToWhatActionsApplyTo) {
  const auto schema = Schema::parse(kSchema);
  ASSERT_TRUE(schema);
  const auto read = [&](std::string_view principal, std::string_view action,
                        std::string_view context) -> std::string {
    Symbols symbols;
    Arena arena;
    RequestNames names(symbols, arena);
    const std::string text =
        R"({"principal":{"type":")" + std::string(principal) +
        R"(","id":"a"},"action":{"type":"Action","id":")" + std::string(action) +
        R"("},"resource":{"type":"User","id":"b"},"context":)" + std::string(context) + "}";
    const auto request = read_request(text, names, arena, &*schema);
    return request ? "fine" : to_string(request.error());
  };
  constexpr std::string_view kFine = R"({"at":{"when":"2024-01-01"}})";
  EXPECT_EQ(read("User", "view", kFine), "fine");
  EXPECT_EQ(read("User", "edit", kFine), "at /action: the schema has no action `Action::\"edit\"`");
  EXPECT_EQ(read("Group", "view", kFine),
            "at /principal: `Action::\"view\"` does not apply to a principal of type `Group`");
  EXPECT_EQ(read("Nobody", "view", kFine), "at /principal: the schema has no entity type `Nobody`");
  EXPECT_EQ(read("User", "view", "{}"), "at /context: the attribute \"at\" is missing");
  EXPECT_EQ(read("User", "view", R"({"at":{"when":"yesterday"}})"),
            "at /context/at/when: \"yesterday\" cannot be read as datetime");
  EXPECT_TRUE(
      read("User", "view", R"({"at":{"when":"2024-01-01"},"color":{"type":"Color","id":"x"}})")
          .starts_with("at /context/color: `Color::\"x\"` is none"));
}

}  // namespace
}  // namespace portcullis::cedar
