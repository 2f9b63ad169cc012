#include "cedar/schema.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace portcullis::cedar {
namespace {

constexpr std::string_view kPhotos = R"(
  namespace Photos {
    type Owner = { name: String, age?: Long, "e mail": Set<String> };
    entity Group, Team in [Group];
    entity User in [Team] = { owner: Owner, ip: ipaddr } tags Set<Long>;
    entity Kind enum ["small", "large"];
    action read;
    @doc("see") action "view it", list in ["read"] appliesTo {
      principal: User, resource: [Kind, Team], context: { when?: datetime },
    };
  }
  entity Bare;
)";

TEST(Schema, ResolvesWhatItDeclares) {
  const auto schema = Schema::parse(kPhotos);
  ASSERT_TRUE(schema) << schema.error()[0].message;
  const SchemaEntity* user = schema->entity("Photos::User");
  ASSERT_NE(user, nullptr);
  EXPECT_EQ(to_string(user->shape),
            "{ip: ipaddr, owner: {age?: Long, e mail: Set<String>, name: String}}");
  EXPECT_EQ(to_string(user->tags), "Set<Long>");
  EXPECT_TRUE(schema->entity("Photos::Group")->may_hold("Photos::User"));
  EXPECT_FALSE(schema->entity("Photos::User")->may_hold("Photos::Group"));
  EXPECT_EQ(schema->entity("Photos::Kind")->choices, (std::vector<std::string>{"large", "small"}));
  const SchemaAction* view = schema->action("Photos::Action", "view it");
  ASSERT_NE(view, nullptr);
  EXPECT_EQ(view->resources, (std::vector<std::string>{"Photos::Kind", "Photos::Team"}));
  EXPECT_EQ(to_string(view->context), "{when?: datetime}");
  EXPECT_EQ(view->ancestors, (std::vector<ActionName>{{"Photos::Action", "read"}}));
  EXPECT_EQ(view->annotations[0].first, "doc");
  EXPECT_TRUE(schema->action("Photos::Action", "read")->principals.empty());
  EXPECT_NE(schema->entity("Bare"), nullptr);
  EXPECT_EQ(schema->entity("User"), nullptr);
}

struct Case {
  std::string_view why;
  std::string_view text;
};

TEST(Schema, Accepts) {
  const Case cases[] = {
      {"nothing at all", ""},
      {"words of the grammar as names",
       "entity entity in action; entity action; type type = Long;"},
      {"a trailing comma everywhere",
       "entity A = { a: Long, }; action b appliesTo { principal: A, resource: A, };"},
      {"no `=` before the attributes", "entity A { a: Long };"},
      {"comments", "// one\nentity A; // two"},
      {"a name of the language that an entity takes", "entity Long; entity A = { l: Long };"},
      {"what the language gives, whatever is declared",
       "entity Long; entity A = { l: __cedar::Long };"},
      {"a name of the namespace before that of none",
       "namespace N { entity A; entity B in A; } entity C;"},
      {"a cycle of entity types", "entity A in B; entity B in A;"},
      {"the type of actions as an attribute", "action a; entity A = { a: Action };"},
      {"actions of another namespace",
       "namespace N { action a; } namespace M { action b in [N::Action::\"a\"]; }"},
      {"an extension type that is hidden", "type ipaddr = Long; entity A = { i: ipaddr };"},
      {"an empty context",
       "entity A; action a appliesTo { principal: A, resource: A, context: {} };"},
      {"annotations without a value", "@a @b(\"\") entity A;"},
      {"attributes of actions that are none", "action a attributes {};"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    const auto schema = Schema::parse(c.text);
    EXPECT_TRUE(schema) << schema.error()[0].message;
  }
}

TEST(Schema, RefusesAndSaysWhere) {
  struct Bad {
    std::string_view why;
    std::string_view text;
    std::uint32_t at;
    std::string_view message;
  };
  const Bad cases[] = {
      {"no declaration", "entitty A;", 0, "expected `entity`"},
      {"no end", "entity A", 8, "expected `;`"},
      {"a reserved word", "entity if;", 7, "reserved word"},
      {"a reserved namespace", "namespace __cedar { entity A; }", 0, "is reserved"},
      {"a reserved name", "entity __cedar;", 7, "reserved"},
      {"a type that hides the language's", "type Set = Long;", 5, "cannot name a common type"},
      {"an entity type twice", "entity A; entity A;", 17, "twice"},
      {"a type twice", "type A = Long; type A = Long;", 20, "twice"},
      {"an action twice", "action a; action \"a\";", 17, "twice"},
      {"a namespace twice", "namespace N {} namespace N {}", 25, "twice"},
      {"a namespace in a namespace", "namespace N { namespace M {} }", 14, "within another"},
      {"an attribute twice", "entity A = { a: Long, \"a\": Long };", 11, "twice"},
      {"an annotation twice", "@a @a entity A;", 4, "repeated"},
      {"an annotation of nothing", "@a", 2, "expected"},
      {"attributes that are no record", "entity A = Long;", 11, "expected `{`"},
      {"an empty enumeration", "entity A enum [];", 15, "expected a string"},
      {"an enumeration with attributes", "entity A enum [\"a\"] = {};", 20, "expected `;`"},
      {"no principal", "entity A; action a appliesTo { resource: A };", 17, "says no principal"},
      {"no principals", "entity A; action a appliesTo { principal: [], resource: A };", 31,
       "lists no"},
      {"principals twice", "entity A; action a appliesTo { principal: A, principal: A };", 45,
       "repeated"},
      {"a block without its word", "entity A; action a { principal: A };", 19, "appliesTo"},
      {"an action named by a path", "action a in N::b;", 16, "expected `::`"},
      {"a parent that is no action", "action a in b;", 12, "no action"},
      {"an action in itself", "action a in b; action b in a;", 7, "member of itself"},
      {"an unknown parent", "entity A in B;", 12, "no entity type"},
      {"an action as a parent", "action a; entity A in Action;", 22, "no entity type"},
      {"an unknown type", "entity User; entity A = { u: Usr };", 29, "`Usr` is no entity type"},
      {"a type as a principal",
       "entity A; type T = A; action a appliesTo { principal: T, resource: A };", 54,
       "no entity type"},
      {"a context that is no record",
       "type T = Long; entity A; action a appliesTo { principal: A, resource: A, context: T };", 82,
       "no record"},
      {"a context that is an entity type",
       "entity A; action a appliesTo { principal: A, resource: A, context: A };", 67,
       "no common type"},
      {"a type within itself", "type A = Set<B>; type B = { a: A };", 31, "part of itself"},
      {"an entity type called Action", "entity Action;", 7, "`Action`"},
      {"a hidden entity type", "entity A; namespace N { entity A; }", 31, "hides"},
      {"a hidden type, by another kind", "entity A; namespace N { type A = Long; }", 29, "hides"},
      {"a hidden action", "action a; namespace N { action a; }", 31, "hides"},
      {"a number", "entity A1 = { 1: Long };", 14, "expected"},
      {"not UTF-8", "entity A; // \xff", 13, "UTF-8"},
      {"a string without an end", "action \"a", 7, "no end"},
  };
  for (const Bad& c : cases) {
    SCOPED_TRACE(c.why);
    const auto schema = Schema::parse(c.text);
    ASSERT_FALSE(schema);
    EXPECT_EQ(schema.error()[0].at.begin, c.at);
    EXPECT_NE(schema.error()[0].message.find(c.message), std::string::npos)
        << schema.error()[0].message;
  }
}

TEST(Schema, SaysTheNearestName) {
  const auto near_miss = Schema::parse("entity User; entity A = { u: Usr };");
  ASSERT_FALSE(near_miss);
  EXPECT_EQ(near_miss.error()[0].help, "did you mean `User`?");
  const auto other_space = Schema::parse("namespace N { entity User; } entity A in User;");
  ASSERT_FALSE(other_space);
  EXPECT_EQ(other_space.error()[0].help, "did you mean `N::User`?");
}

TEST(Schema, ReportsAllNamesTogether) {
  const auto schema = Schema::parse("entity A in B; entity C = { d: D };");
  ASSERT_FALSE(schema);
  EXPECT_EQ(schema.error().size(), 2);
}

TEST(Schema, RefusesWhatIsTooDeep) {
  const auto sets = [](std::size_t depth) {
    std::string text = "type T = ";
    for (std::size_t i = 0; i < depth; ++i) text += "Set<";
    text += "Long";
    for (std::size_t i = 0; i < depth; ++i) text += '>';
    return text + ";";
  };
  EXPECT_TRUE(Schema::parse(sets(64)));
  EXPECT_FALSE(Schema::parse(sets(65)));
  EXPECT_FALSE(Schema::parse(sets(1'000'000)));
  std::string chain = "type T0 = Long;";
  for (int i = 1; i < 5000; ++i)
    chain += "type T" + std::to_string(i) + " = Set<T" + std::to_string(i - 1) + ">;";
  EXPECT_TRUE(Schema::parse(chain)) << "each was expanded before the next";
  std::string reversed = "type T5000 = Long;";
  for (int i = 4999; i >= 0; --i)
    reversed.insert(0, "type T" + std::to_string(i) + " = Set<T" + std::to_string(i + 1) + ">;");
  EXPECT_FALSE(Schema::parse(reversed));
}

TEST(Schema, KeepsTypesOfExponentialSizeSmall) {
  std::string text = "type T0 = { a: Long };";
  for (int i = 1; i < 60; ++i) {
    const std::string below = "T" + std::to_string(i - 1);
    text += "type T" + std::to_string(i) + " = { a: " + below + ", b: " + below + " };";
  }
  const auto schema = Schema::parse(text + "entity A = { t: T59 };");
  ASSERT_TRUE(schema);
  EXPECT_LT(to_string(schema->entity("A")->shape).size(), 400);
}

TEST(SchemaJson, RefusesAndSaysWhere) {
  struct Bad {
    std::string_view why;
    std::string_view text;
    std::string_view message;
  };
  const Bad cases[] = {
      {"no JSON", "{", "no JSON"},
      {"a member of the namespace", R"({"":{"entityTypes":{},"actions":{},"x":1}})", "at `//x`"},
      {"no actions", R"({"":{"entityTypes":{}}})", "`actions` is missing"},
      {"a namespace's name", R"({"a b":{"entityTypes":{},"actions":{}}})", "at `/a b`"},
      {"a name twice", R"({"":{"entityTypes":{"A":{},"A":{}},"actions":{}}})", "no JSON"},
      {"an entity type's name", R"({"":{"entityTypes":{"A::B":{}},"actions":{}}})", "cannot name"},
      {"a type's member",
       R"({"":{"entityTypes":{"A":{"tags":{"type":"Long","name":"x"}}},"actions":{}}})",
       "at `//entityTypes/A/tags/name`"},
      {"a set of nothing", R"({"":{"entityTypes":{"A":{"tags":{"type":"Set"}}},"actions":{}}})",
       "`element`"},
      {"tags that are null", R"({"":{"entityTypes":{"A":{"tags":null}},"actions":{}}})",
       "an object"},
      {"an open record",
       R"({"":{"entityTypes":{"A":{"shape":{"type":"Record","attributes":{},"additionalAttributes":true}}},"actions":{}}})",
       "not supported"},
      {"an enumeration with a shape",
       R"({"":{"entityTypes":{"A":{"enum":["a"],"tags":{"type":"Long"}}},"actions":{}}})",
       "enumerated"},
      {"an empty enumeration", R"({"":{"entityTypes":{"A":{"enum":[]}},"actions":{}}})",
       "at least one"},
      {"attributes of an action", R"({"":{"entityTypes":{},"actions":{"a":{"attributes":{}}}}})",
       "no attributes"},
      {"no principals",
       R"({"":{"entityTypes":{},"actions":{"a":{"appliesTo":{"resourceTypes":[]}}}}})",
       "principalTypes"},
      {"annotations of no namespace",
       R"({"":{"annotations":{"a":"b"},"entityTypes":{},"actions":{}}})", "empty namespace"},
      {"an unknown extension",
       R"({"":{"entityTypes":{"A":{"tags":{"type":"Extension","name":"ip"}}},"actions":{}}})",
       "no extension type"},
      {"a common type where there is an entity type",
       R"({"":{"entityTypes":{"B":{},"A":{"tags":{"type":"B"}}},"actions":{}}})", "no common type"},
      {"an array", "[]", "expected"},
  };
  for (const Bad& c : cases) {
    SCOPED_TRACE(c.why);
    const auto schema = Schema::parse(c.text);
    ASSERT_FALSE(schema);
    EXPECT_NE(schema.error()[0].message.find(c.message), std::string::npos)
        << schema.error()[0].message;
  }
}

// What is written in one syntax reads back from the other as the same.
TEST(SchemaWriter, ConvertsBothWays) {
  const auto source = parse_schema_text(kPhotos);
  ASSERT_TRUE(source);
  const std::string json = write_schema_json(*source);
  const auto from_json = parse_schema_json(json);
  ASSERT_TRUE(from_json) << from_json.error()[0].message;
  EXPECT_EQ(write_schema_json(*from_json), json);
  const auto text = write_schema_text(*from_json);
  ASSERT_TRUE(text);
  const auto from_text = parse_schema_text(*text);
  ASSERT_TRUE(from_text) << from_text.error()[0].message << '\n' << *text;
  EXPECT_EQ(write_schema_json(*from_text), json);
}

TEST(SchemaWriter, SaysWhatTheHumanSyntaxCannot) {
  const auto shape = parse_schema_json(
      R"({"":{"commonTypes":{"T":{"type":"Record","attributes":{}}},"entityTypes":{"A":{"shape":{"type":"T"}}},"actions":{}}})");
  ASSERT_TRUE(shape);
  EXPECT_TRUE(Schema::resolve(*shape));
  EXPECT_FALSE(write_schema_text(*shape));
  const auto both = parse_schema_json(
      R"({"":{"commonTypes":{"A":{"type":"Long"}},"entityTypes":{"A":{}},"actions":{}}})");
  ASSERT_TRUE(both);
  EXPECT_FALSE(write_schema_text(*both));
}

TEST(SchemaText, SurvivesEveryTruncation) {
  for (std::size_t size = 0; size < kPhotos.size(); ++size)
    (void)Schema::parse(kPhotos.substr(0, size));
}

}  // namespace
}  // namespace portcullis::cedar
