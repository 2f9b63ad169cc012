#include "schema/schema.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace portcullis::schema {
namespace {

std::vector<std::string> said(std::string_view schema_text, std::string_view instance,
                              const Options& options = {}) {
  const auto schema = Schema::compile(schema_text, options);
  if (!schema) return {"cannot be compiled: " + describe(schema.error()[0], "schema")};
  Text text;
  if (!text.read(instance)) return {"is no JSON"};
  Checker checker;
  std::vector<std::string> lines;
  for (const Violation& one : checker.explain(schema->program(), text, 20)) {
    std::string line = one.instance;
    line.append(" ").append(one.keyword).append(" ").append(one.schema).append(": ");
    lines.push_back(line.append(one.message));
  }
  EXPECT_EQ(checker.check(schema->program(), text), lines.empty());
  return lines;
}

TEST(Violations, SayWhereAndWhatAndNeverTheValue) {
  const struct {
    std::string_view schema;
    std::string_view instance;
    std::vector<std::string> wanted;
  } cases[] = {
      {R"({"type":"string"})", "7", {" type #/type: must be a string"}},
      {R"({"type":["integer","null"]})", "1.5", {" type #/type: must be null or an integer"}},
      {R"({"properties":{"a/b":{"minimum":3}}})",
       R"({"a/b":2})",
       {"/a~1b minimum #/properties/a~1b/minimum: must be at least 3"}},
      {R"({"properties":{"n":{"exclusiveMaximum":0.1}}})",
       R"({"n":0.10})",
       {"/n exclusiveMaximum #/properties/n/exclusiveMaximum: must be less than 0.1"}},
      {R"({"items":{"maxLength":1}})",
       R"(["a","bb","é","éé"])",
       {"/1 maxLength #/items/maxLength: must have at most 1 character",
        "/3 maxLength #/items/maxLength: must have at most 1 character"}},
      {R"({"required":["a","b","c"]})",
       R"({"b":1})",
       {" required #/required: must have the property `a`",
        " required #/required: must have the property `c`"}},
      {R"({"properties":{"a":true},"additionalProperties":false})",
       R"({"a":1,"secret":2})",
       {"/secret additionalProperties #/additionalProperties: must not be there: the schema does "
        "not know the property"}},
      {R"({"enum":["red","green",3]})",
       R"("blue")",
       {R"( enum #/enum: must be one of "red", "green", 3)"}},
      {R"({"const":{"a":1}})", R"({"a":2})", {R"( const #/const: must be {"a":1})"}},
      {R"({"pattern":"^[a-z]+$"})",
       R"("A")",
       {" pattern #/pattern: must match the pattern ^[a-z]+$"}},
      {R"({"uniqueItems":true})",
       R"([1,{"a":1,"b":2},{"b":2.0,"a":1e0}])",
       {" uniqueItems #/uniqueItems: must not have the same item twice"}},
      {R"({"$ref":"#/$defs/a","$defs":{"a":{"minItems":2}}})",
       "[1]",
       {" minItems #/$defs/a/minItems: must have at least 2 items"}},
      {R"({"anyOf":[{"type":"string"},{"type":"object","required":["a"]}]})",
       "{}",
       {" required #/anyOf/1/required: must have the property `a`",
        " anyOf #/anyOf: must be valid by at least one of the 2 alternatives, and is by none"}},
      {R"({"oneOf":[{"minimum":1},{"minimum":2}]})",
       "3",
       {" oneOf #/oneOf: must be valid by exactly one of the 2 alternatives, and is by several"}},
      {R"({"properties":{"a":false}})",
       R"({"a":1})",
       {"/a false #/properties/a: must not be there"}},
      {R"({"propertyNames":{"maxLength":2}})",
       R"({"abc":1})",
       {"/abc maxLength #/propertyNames/maxLength: must have at most 2 characters"}},
      {R"({"allOf":[{"properties":{"a":{"type":"null"}}}],"unevaluatedProperties":false})",
       R"({"a":1,"b":2})",
       {"/a type #/allOf/0/properties/a/type: must be null",
        "/b unevaluatedProperties #/unevaluatedProperties: must not be there: no schema says "
        "anything of the property"}},
      {R"({"dependentRequired":{"a":["b"]}})",
       R"({"a":1})",
       {" dependentRequired #/dependentRequired/a: must have the property `b`, since it has `a`"}},
      {R"({"contains":{"type":"null"},"maxContains":1})",
       "[null,null]",
       {" maxContains #/maxContains: must have at most 1 item that is valid by the schema under "
        "`contains`"}},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(said(one.schema, one.instance), one.wanted) << one.schema;
  }
}

TEST(Violations, AreBounded) {
  const auto schema = Schema::compile(R"({"items":{"type":"null"}})");
  ASSERT_TRUE(schema);
  Text text;
  ASSERT_TRUE(text.read("[1,2,3,4,5,6,7,8,9]"));
  Checker checker;
  EXPECT_EQ(checker.explain(schema->program(), text, 4).size(), 4);
}

TEST(Schema, ReadsOpenApi30AsItIsWritten) {
  const Options options{.dialect = kOpenApi30, .assert_formats = true};
  const struct {
    std::string_view why;
    std::string_view schema;
    std::string_view instance;
    bool valid;
  } cases[] = {
      {"null where it may be", R"({"type":"string","nullable":true})", "null", true},
      {"null where it may not be", R"({"type":"string"})", "null", false},
      {"nullable says nothing without a type", R"({"nullable":true})", "null", true},
      {"enum has the last word", R"({"type":"string","nullable":true,"enum":["a"]})", "null",
       false},
      {"enum that has null", R"({"type":"string","nullable":true,"enum":["a",null]})", "null",
       true},
      {"exclusive, by a boolean", R"({"minimum":1,"exclusiveMinimum":true})", "1", false},
      {"not exclusive", R"({"minimum":1,"exclusiveMinimum":false})", "1", true},
      {"beside a reference nothing counts",
       R"({"$ref":"#/definitions/a","maxLength":1,"definitions":{"a":{"type":"string"}}})",
       R"("abc")", true},
      {"int32", R"({"type":"integer","format":"int32"})", "2147483647", true},
      {"beyond int32", R"({"type":"integer","format":"int32"})", "2147483648", false},
      {"int64", R"({"format":"int64"})", "-9223372036854775808", true},
      {"beyond int64", R"({"format":"int64"})", "9223372036854775808", false},
      {"a fraction is no int64", R"({"format":"int64"})", "0.5", false},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(said(one.schema, one.instance, options).empty(), one.valid) << one.why;
  }
}

TEST(Schema, FindsTheEntriesThatItIsAskedFor) {
  const auto schema = Schema::compile(
      R"({"components":{"schemas":{"A":{"type":"string"},"B":{"$ref":"#/components/schemas/A"}}}})",
      {.dialect = kOpenApi31}, {"#/components/schemas/B", "#/components/schemas/A"});
  ASSERT_TRUE(schema) << describe(schema.error()[0], "x");
  Text text;
  ASSERT_TRUE(text.read("1"));
  Checker checker;
  EXPECT_FALSE(checker.check(schema->program(), text, 0));
  EXPECT_FALSE(checker.check(schema->program(), text, 1));
}

TEST(Schema, RefusesWhatItCannotMean) {
  const struct {
    std::string_view why;
    std::string_view schema;
    std::string_view pointer;
    std::string_view says;
    Options options = {};
  } cases[] = {
      {"no JSON", "{", "", "JSON"},
      {"no schema", "[]", "", "object or a boolean"},
      {"a type that there is not", R"({"type":"strin"})", "/type", "expects array, boolean"},
      {"a list of no types", R"({"type":[]})", "/type", "expects array"},
      {"a type that is a number", R"({"type":1})", "/type", "expects array"},
      {"a subschema that is none", R"({"items":{"not":3}})", "/items/not", "object or a boolean"},
      {"properties that are no object", R"({"properties":[]})", "/properties", "expects an object"},
      {"a property that is no schema", R"({"properties":{"a":"string"}})", "/properties/a",
       "object or a boolean"},
      {"a negative length", R"({"minLength":-1})", "/minLength", "0 or more"},
      {"half a length", R"({"maxLength":1.5})", "/maxLength", "whole number"},
      {"a length in quotes", R"({"maxLength":"3"})", "/maxLength", "whole number"},
      {"a minimum in quotes", R"({"minimum":"3"})", "/minimum", "expects a number"},
      {"an exclusive minimum of old", R"({"exclusiveMinimum":true})", "/exclusiveMinimum",
       "expects a number"},
      {"a multiple of nothing", R"({"multipleOf":0})", "/multipleOf", "above 0"},
      {"a pattern that is none", R"({"pattern":"("})", "/pattern", ""},
      {"a pattern that looks ahead", R"({"pattern":"(?=a)b"})", "/pattern", ""},
      {"a pattern of properties that is none", R"({"patternProperties":{"[":true}})",
       "/patternProperties/[", ""},
      {"an enum that is no list", R"({"enum":"a"})", "/enum", "list"},
      {"required as draft 3 had it", R"({"required":true})", "/required", "list of names"},
      {"a number that is required", R"({"required":["a",1]})", "/required/1", "name"},
      {"alternatives that are none", R"({"anyOf":[]})", "/anyOf", "list of schemas"},
      {"alternatives that are no list", R"({"oneOf":{}})", "/oneOf", "list of schemas"},
      {"items of old", R"({"items":[{}]})", "/items", "object or a boolean"},
      {"a branch that is no schema", R"({"then":1})", "/then", "object or a boolean"},
      {"a dependency that is none", R"({"dependentRequired":{"a":"b"}})", "/dependentRequired/a",
       "list of names"},
      {"a reference to nothing", R"({"$ref":"#/$defs/a"})", "/$ref", "there is no"},
      {"an anchor that is not there", R"({"$ref":"#a"})", "/$ref", "no anchor"},
      {"a document that is not here", R"({"$ref":"https://example.com/a.json"})", "/$ref",
       "nothing is fetched"},
      {"a relative document", R"({"$ref":"a.json"})", "/$ref", "`$id`"},
      {"a reference that is a number", R"({"$ref":1})", "/$ref", "URI reference"},
      {"a reference to a string", R"({"$ref":"#/title","title":"a"})", "/title",
       "object or a boolean"},
      {"a dialect that is not here", R"({"$schema":"https://example.com/x"})", "/$schema",
       "not known"},
      {"an identifier with a fragment", R"({"$id":"http://a/b#c"})", "/$id", "fragment"},
      {"the same identifier twice",
       R"({"$defs":{"a":{"$id":"http://a/"},"b":{"$id":"http://a/"}}})", "/$defs/b/$id", "another"},
      {"the same anchor twice", R"({"$defs":{"a":{"$anchor":"x"},"b":{"$anchor":"x"}}})",
       "/$defs/b/$anchor", "another"},
      {"itself", R"({"$ref":"#"})", "", "never end"},
      {"itself, by way of others",
       R"({"$ref":"#/$defs/a","$defs":{"a":{"allOf":[{"not":{"$ref":"#/$defs/b"}}]},)"
       R"("b":{"if":{"$ref":"#/$defs/a"}}}})",
       "/$defs/a", "never end"},
      {"a keyword that OpenAPI 3.0 has not",
       R"({"const":1})",
       "/const",
       "no keyword of OpenAPI 3.0",
       {.dialect = kOpenApi30}},
      {"null in OpenAPI 3.0", R"({"type":"null"})", "/type", "nullable", {.dialect = kOpenApi30}},
      {"two types in OpenAPI 3.0",
       R"({"type":["string","null"]})",
       "/type",
       "nullable",
       {.dialect = kOpenApi30}},
      {"a discriminator without its property",
       R"({"discriminator":{}})",
       "/discriminator",
       "propertyName",
       {.dialect = kOpenApi31}},
      {"a boolean in draft 4", R"({"items":true})", "/items", "is an object", {.dialect = kDraft4}},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.why);
    const auto schema = Schema::compile(one.schema, one.options);
    ASSERT_FALSE(schema);
    const SchemaError& error = schema.error()[0];
    EXPECT_EQ(error.pointer, one.pointer);
    EXPECT_NE(error.message.find(one.says), std::string::npos) << error.message;
  }
}

TEST(Schema, ReportsAllThatIsWrongAndWhere) {
  const auto schema = Schema::compile(R"({
  "type": "objekt",
  "properties": {
    "a": { "minimum": "1" }
  }
})");
  ASSERT_FALSE(schema);
  ASSERT_EQ(schema.error().size(), 2);
  EXPECT_TRUE(describe(schema.error()[0], "s.json").starts_with("s.json:2:11: error: /type: "));
  EXPECT_EQ(describe(schema.error()[1], "s.json"),
            "s.json:4:23: error: /properties/a/minimum: expects a number");
}

// What an attacker, or a careless author, would use against us: each must end, and soon.
TEST(Checker, BoundsItsWork) {
  std::string bomb = R"({"$ref":"#/$defs/d0","$defs":{)";
  for (int i = 0; i < 40; ++i) {
    const std::string next = R"({"$ref":"#/$defs/d)" + std::to_string(i + 1) + R"("})";
    bomb += "\"d" + std::to_string(i) + R"(":{"allOf":[)" + next + "," + next + "]},";
  }
  bomb += R"("d40":{"type":"integer"}}})";
  EXPECT_EQ(
      said(bomb, "1"),
      (std::vector<std::string>{"  #: takes more work to check than a text of its size may"}));
  EXPECT_EQ(said(R"({"not":)" + bomb.substr(0, bomb.size() - 1) + "}}", "1").size(), 1)
      << "what cannot be decided is not valid, turned around or not";
}

TEST(Checker, ComparesManyObjectsInBoundedTime) {
  std::string objects = "[";
  for (int i = 0; i < 2; ++i) {
    objects += i == 0 ? "{" : ",{";
    for (int k = 0; k < 4000; ++k) {
      const int name = i == 0 ? k : 3999 - k;
      objects += (k == 0 ? "\"n" : ",\"n") + std::to_string(name) + "\":1";
    }
    objects += "}";
  }
  objects += "]";
  EXPECT_FALSE(said(R"({"uniqueItems":true})", objects).empty());
}

TEST(Checker, HoldsUnderDynamicScopesThatGoRoundInCircles) {
  const auto lines =
      said(R"({"$id":"http://a/","$dynamicAnchor":"x","anyOf":[{"$dynamicRef":"#x"}]})", "1");
  EXPECT_FALSE(lines.empty());
}

TEST(Checker, IsNotFooledByNumbers) {
  const struct {
    std::string_view schema;
    std::string_view instance;
    bool valid;
  } cases[] = {
      {R"({"maximum":9007199254740992})", "9007199254740993", false},
      {R"({"maximum":18446744073709551615})", "18446744073709551616", false},
      {R"({"minimum":-9223372036854775808})", "-9223372036854775809", false},
      {R"({"minimum":0.5})", "0", false},
      {R"({"minimum":0.5})", "1", true},
      {R"({"minimum":-0.5})", "0", true},
      {R"({"minimum":-0.5})", "-1", false},
      {R"({"maximum":-0.5})", "-1", true},
      {R"({"maximum":-0.5})", "0", false},
      {R"({"maximum":1e400})", "1e399", true},
      {R"({"maximum":1e400})", "1e401", false},
      {R"({"const":0.1})", "0.1000000000000000055511151231257827", false},
      {R"({"const":1})", "1.0", true},
      {R"({"enum":[1e2]})", "100", true},
      {R"({"const":-0})", "0.0", true},
      {R"({"type":"integer"})", "1.0", true},
      {R"({"type":"integer"})", "1.0000000000000000000001", false},
      {R"({"multipleOf":0.01})", "1.13", true},
      {R"({"const":"1"})", "1", false},
      {R"({"const":false})", "0", false},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(said(one.schema, one.instance).empty(), one.valid)
        << one.schema << " " << one.instance;
  }
}

TEST(Text, AndCheckerKeepTheirMemory) {
  const auto schema = Schema::compile(
      R"({"properties":{"a":{"type":"array","uniqueItems":true}},"unevaluatedProperties":false})");
  ASSERT_TRUE(schema);
  Text text;
  Checker checker;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(text.read(R"({"a":[1,2,"\u0041",[],{}]})"));
    EXPECT_TRUE(checker.check(schema->program(), text));
    ASSERT_TRUE(text.read("[]"));
    EXPECT_TRUE(checker.check(schema->program(), text));
  }
}

}  // namespace
}  // namespace portcullis::schema
