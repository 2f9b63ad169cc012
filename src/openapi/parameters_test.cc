#include "openapi/parameters.h"

#include "openapi/parameter_text.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::openapi {
namespace {

using Kind = Shape::Kind;
using namespace std::string_view_literals;

Shape scalar(std::uint8_t types) {
  Shape shape;
  shape.types = types;
  return shape;
}

Shape array_of(std::uint8_t types) {
  Shape shape;
  shape.kind = Kind::kArray;
  shape.items = std::make_shared<const Shape>(scalar(types));
  return shape;
}

// {R: integer, G: integer}
Shape colour() {
  Shape shape;
  shape.kind = Kind::kObject;
  shape.properties = {{"R", scalar(kInteger)}, {"G", scalar(kInteger)}};
  return shape;
}

ParameterDefinition define(Place place, Style style, Explode explode, Shape shape) {
  ParameterDefinition definition;
  definition.name = "color";
  definition.place = place;
  definition.style = style;
  definition.explode = explode;
  definition.shape = std::move(shape);
  return definition;
}

MaybeValue read(const ParameterDefinition& definition, std::string_view raw, Arena& arena,
                const ParameterBounds& bounds = {}) {
  switch (definition.place) {
    case Place::kPath:
      return read_path_parameter(definition, raw, bounds, arena);
    case Place::kHeader:
      return read_header_parameter(definition, raw, bounds, arena);
    case Place::kQuery:
    case Place::kCookie:
      break;
  }
  auto pairs = definition.place == Place::kQuery ? read_query(raw, bounds, arena)
                                                 : read_cookies(raw, bounds, arena);
  if (!pairs) return std::unexpected(pairs.error());
  return read_pair_parameter(definition, *pairs, bounds, arena);
}

// As JSON; `absent`; or `error: …`.
std::string told(const ParameterDefinition& definition, std::string_view raw,
                 const ParameterBounds& bounds = {}) {
  Arena arena;
  const MaybeValue value = read(definition, raw, arena, bounds);
  if (!value) return "error: " + value.error().detail;
  if (!*value) return "absent";
  std::string json;
  append_json(json, definition, **value);
  // Whatever was read can be written, and reads the same again.
  std::string text;
  append_parameter(text, definition, **value);
  const MaybeValue again = read(definition, text, arena, bounds);
  EXPECT_TRUE(again && *again) << text;
  if (again && *again) {
    std::string same;
    append_json(same, definition, **again);
    EXPECT_EQ(same, json) << text;
  }
  return json;
}

struct Case {
  std::string_view why;
  ParameterDefinition definition;
  std::string_view raw;
  std::string_view want;
};

void check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    SCOPED_TRACE(c.why);
    EXPECT_EQ(told(c.definition, c.raw), c.want) << c.raw;
  }
}

// The table of OpenAPI 3.1 4.8.12.4, and what it leaves out.
TEST(Parameters, EachStyleAndExplode) {
  using enum Place;
  using enum Style;
  constexpr auto kNo = Explode::kNo;
  constexpr auto kYes = Explode::kYes;
  const Shape text = scalar(kString);
  const Shape texts = array_of(kString);
  check({
      {"simple", define(kPath, kSimple, kNo, text), "blue", R"("blue")"},
      {"simple array", define(kPath, kSimple, kNo, texts), "blue,black", R"(["blue","black"])"},
      {"the same exploded", define(kPath, kSimple, kYes, texts), "blue,black",
       R"(["blue","black"])"},
      {"simple object", define(kPath, kSimple, kNo, colour()), "R,100,G,200",
       R"({"R":100,"G":200})"},
      {"exploded", define(kPath, kSimple, kYes, colour()), "R=100,G=200", R"({"R":100,"G":200})"},
      {"label", define(kPath, kLabel, kNo, text), ".blue", R"("blue")"},
      {"label array", define(kPath, kLabel, kNo, texts), ".blue,black", R"(["blue","black"])"},
      {"exploded", define(kPath, kLabel, kYes, texts), ".blue.black", R"(["blue","black"])"},
      {"label object", define(kPath, kLabel, kNo, colour()), ".R,100,G,200",
       R"({"R":100,"G":200})"},
      {"exploded", define(kPath, kLabel, kYes, colour()), ".R=100.G=200", R"({"R":100,"G":200})"},
      {"matrix", define(kPath, kMatrix, kNo, text), ";color=blue", R"("blue")"},
      {"matrix, empty", define(kPath, kMatrix, kNo, text), ";color", R"("")"},
      {"matrix array", define(kPath, kMatrix, kNo, texts), ";color=blue,black",
       R"(["blue","black"])"},
      {"exploded", define(kPath, kMatrix, kYes, texts), ";color=blue;color=black",
       R"(["blue","black"])"},
      {"matrix object", define(kPath, kMatrix, kNo, colour()), ";color=R,100,G,200",
       R"({"R":100,"G":200})"},
      {"exploded", define(kPath, kMatrix, kYes, colour()), ";R=100;G=200", R"({"R":100,"G":200})"},
      {"form", define(kQuery, kForm, kYes, text), "a=1&color=blue", R"("blue")"},
      {"form, empty", define(kQuery, kForm, kYes, text), "color=", R"("")"},
      {"form array", define(kQuery, kForm, kNo, texts), "color=blue,black", R"(["blue","black"])"},
      {"exploded", define(kQuery, kForm, kYes, texts), "color=blue&b=2&color=black",
       R"(["blue","black"])"},
      {"form object", define(kQuery, kForm, kNo, colour()), "color=R,100,G,200",
       R"({"R":100,"G":200})"},
      {"exploded", define(kQuery, kForm, kYes, colour()), "R=100&x=1&G=200",
       R"({"R":100,"G":200})"},
      {"spaces", define(kQuery, kSpaceDelimited, kNo, texts), "color=blue%20black+red",
       R"(["blue","black","red"])"},
      {"spaces, an object", define(kQuery, kSpaceDelimited, kNo, colour()),
       "color=R%20100%20G%20200", R"({"R":100,"G":200})"},
      {"pipes", define(kQuery, kPipeDelimited, kNo, texts), "color=blue|black%7Cred",
       R"(["blue","black","red"])"},
      {"pipes, exploded", define(kQuery, kPipeDelimited, kYes, texts), "color=blue&color=black",
       R"(["blue","black"])"},
      {"deepObject", define(kQuery, kDeepObject, kYes, colour()), "color[R]=100&color%5BG%5D=200",
       R"({"R":100,"G":200})"},
      {"a header", define(kHeader, kSimple, kNo, texts), "blue, black ,red",
       R"(["blue","black","red"])"},
      {"a header's object", define(kHeader, kSimple, kYes, colour()), "R=100, G=200",
       R"({"R":100,"G":200})"},
      {"a header is not percent-encoded", define(kHeader, kSimple, kNo, text), "100%", R"("100%")"},
      {"a cookie", define(kCookie, kForm, kYes, text), "a=1; color=blue", R"("blue")"},
      {"a cookie's array", define(kCookie, kForm, kNo, texts), "color=blue,black",
       R"(["blue","black"])"},
      {"a cookie's object", define(kCookie, kForm, kYes, colour()), "R=100; G=200",
       R"({"R":100,"G":200})"},
      {"content", define(kQuery, kContent, kNo, text), "color=%7B%22a%22%3A+1%7D", R"({"a": 1})"},
      {"absent from a query", define(kQuery, kForm, kYes, text), "colour=blue", "absent"},
      {"absent, an array", define(kQuery, kForm, kYes, texts), "", "absent"},
      {"absent, an object", define(kQuery, kForm, kYes, colour()), "x=1", "absent"},
      {"absent, deep", define(kQuery, kDeepObject, kYes, colour()), "color=1", "absent"},
  });
}

TEST(Parameters, TypesAreThoseOfTheShape) {
  struct TypeCase {
    std::string_view why;
    int types;
    std::string_view raw;
    std::string_view want;
  };
  const TypeCase cases[] = {
      {"an integer", kInteger, "42", "42"},
      {"a negative one", kInteger, "-7", "-7"},
      {"beyond 64 bits, as exact as it came", kInteger, "123456789012345678901234567890",
       "123456789012345678901234567890"},
      {"not an integer, for the schema to say", kInteger, "1.5", "1.5"},
      {"a number", kNumber, "1.50e3", "1.50e3"},
      {"a boolean", kBoolean, "true", "true"},
      {"null", kInteger | kNull, "", "null"},
      {"a string that looks like a number", kString, "42", R"("42")"},
      {"no type at all", 0, "42", R"("42")"},
      {"either", kInteger | kString, "x", R"("x")"},
      {"text needs escaping", kString, "%22%5C%0A", R"("\"\\\n")"},

      {"no number", kInteger, "four", R"("four")"},
      {"leading zeros", kInteger, "007", R"("007")"},
      {"a plus", kInteger, "%2B1", R"("+1")"},
      {"hexadecimal", kInteger, "0x10", R"("0x10")"},
      {"a point alone", kNumber, "1.", R"("1.")"},
      {"no digits before", kNumber, ".5", R"(".5")"},
      {"an exponent without digits", kNumber, "1e", R"("1e")"},
      {"a sign alone", kNumber, "-", R"("-")"},
      {"not finite", kNumber, "NaN", R"("NaN")"},
      {"space around", kInteger, "%201", R"(" 1")"},
      {"digits that are not ASCII", kInteger, "%D9%A1", "\"\u0661\""},
      {"JSON put in by hand", kInteger, "1,%22x%22:2", R"("1,\"x\":2")"},
      {"a boolean in capitals", kBoolean, "TRUE", R"("TRUE")"},
      {"a boolean as a number", kBoolean, "1", R"("1")"},
      {"null as a word", kNull, "null", R"("null")"},
  };
  for (const TypeCase& c : cases) {
    SCOPED_TRACE(c.why);
    const auto definition = define(Place::kQuery, Style::kForm, Explode::kYes,
                                   scalar(static_cast<std::uint8_t>(c.types)));
    EXPECT_EQ(told(definition, "color=" + std::string(c.raw)), c.want);
  }
}

TEST(Parameters, DividersAreFoundBeforeDecoding) {
  const Shape texts = array_of(kString);
  check({
      {"a comma encoded is no divider", define(Place::kQuery, Style::kForm, Explode::kNo, texts),
       "color=a%2Cb,c", R"(["a,b","c"])"},
      {"nor in a path", define(Place::kPath, Style::kSimple, Explode::kNo, texts), "a%2Cb,c",
       R"(["a,b","c"])"},
      {"an ampersand encoded", define(Place::kQuery, Style::kForm, Explode::kYes, texts),
       "color=a%26color=b", R"(["a&color=b"])"},
      {"an equals sign in the value", define(Place::kQuery, Style::kForm, Explode::kYes, texts),
       "color=a=b", R"(["a=b"])"},
      {"empty elements stay", define(Place::kQuery, Style::kForm, Explode::kNo, texts), "color=,a,",
       R"(["","a",""])"},
      {"one empty element", define(Place::kQuery, Style::kForm, Explode::kNo, texts),
       "color=", R"([""])"},
      {"the name encoded", define(Place::kQuery, Style::kForm, Explode::kYes, texts),
       "%63olor=a&c%6flor=b", R"(["a","b"])"},
      {"a plus is a space", define(Place::kQuery, Style::kForm, Explode::kYes, texts),
       "color=a+b%2B", R"(["a b+"])"},
      {"but not in a path", define(Place::kPath, Style::kSimple, Explode::kNo, texts), "a+b",
       R"(["a+b"])"},
      {"a hidden divider of matrix", define(Place::kPath, Style::kMatrix, Explode::kYes, texts),
       ";color=a%3Bcolor=b", R"(["a;color=b"])"},
  });
}

TEST(Parameters, DeepObjectsAreAsDeepAsTheirShape) {
  Shape filter;
  filter.kind = Kind::kObject;
  Shape range;
  range.kind = Kind::kObject;
  range.properties = {{"from", scalar(kInteger)}, {"to", scalar(kInteger)}};
  filter.properties = {{"range", range}, {"tag", array_of(kString)}, {"open", scalar(kBoolean)}};
  const auto deep = define(Place::kQuery, Style::kDeepObject, Explode::kYes, filter);
  check({
      {"nested", deep, "color[range][from]=1&color[open]=true&color[range][to]=2",
       R"({"range":{"from":1,"to":2},"open":true})"},
      {"an array, repeated", deep, "color[tag]=a&color[tag]=b", R"({"tag":["a","b"]})"},
      {"with empty brackets", deep, "color[tag][]=a&color[tag][]=b", R"({"tag":["a","b"]})"},
      {"a property that the schema will judge", deep, "color[other]=1", R"({"other":"1"})"},
      {"names that merely begin alike", deep, "colors[open]=true&color=1", "absent"},

      {"a property twice", deep, "color[open]=true&color[open]=false", "error: a property twice"},
      {"deeper than the shape", deep, "color[open][x]=1",
       "error: brackets behind a property that has no parts"},
      {"an object as text", deep, "color[range]=1", "error: an object as if it were a text"},
      {"an object as text and as object", deep, "color[range][from]=1&color[range]=1",
       "error: an object as if it were a text"},
      {"an index", deep, "color[tag][0]=a",
       "error: an array's element with a name: repeat the array's own"},
      {"no name", deep, "color[]=a", "error: empty brackets where a property's name belongs"},
      {"a bracket that does not close", deep, "color[open=1",
       "error: brackets in the name that do not pair"},
      {"text behind", deep, "color[open]x=1", "error: brackets in the name that do not pair"},
      {"brackets within", deep, "color[o[p]]=1", "error: brackets in the name that do not pair"},
      {"too many levels", deep, "color[a][b][c][d][e]=1", "error: more than 4 levels of brackets"},
      {"no value", deep, "color[open]", "error: a property without a '=' and a value"},
  });
}

TEST(Parameters, RefusesWhatHasNoOneMeaning) {
  const Shape text = scalar(kString);
  const Shape texts = array_of(kString);
  const auto form = define(Place::kQuery, Style::kForm, Explode::kYes, text);
  check({
      {"twice", form, "color=a&color=b", "error: given twice"},
      {"twice, once encoded", form, "color=a&%63olor=b", "error: given twice"},
      {"no value", form, "color", "error: without a '=' and a value"},
      {"a broken escape", form, "color=%4", "error: a '%' without two hexadecimal digits"},
      {"NUL", form, "color=a%00b", "error: holds NUL"},
      {"not UTF-8", form, "color=%FF", "error: not UTF-8"},
      {"a name that is not UTF-8", form, "a=1&%FF=1",
       "error: query: the name of pair 2: not UTF-8"},
      {"an odd number of pieces", define(Place::kQuery, Style::kForm, Explode::kNo, colour()),
       "color=R,1,G", "error: a property without a value"},
      {"a property twice", define(Place::kQuery, Style::kForm, Explode::kNo, colour()),
       "color=R,1,R,2", "error: a property twice"},
      {"twice as pairs", define(Place::kQuery, Style::kForm, Explode::kYes, colour()), "R=1&R=2",
       "error: a property twice"},
      {"a property without its sign", define(Place::kPath, Style::kSimple, Explode::kYes, colour()),
       "R=1,G", "error: a property without a '='"},
      {"no dot", define(Place::kPath, Style::kLabel, Explode::kNo, text), "blue",
       "error: without its '.'"},
      {"no semicolon", define(Place::kPath, Style::kMatrix, Explode::kNo, text), "color=blue",
       "error: without its ';'"},
      {"a semicolon encoded", define(Place::kPath, Style::kMatrix, Explode::kNo, text),
       "%3Bcolor=blue", "error: without its ';'"},
      {"another name", define(Place::kPath, Style::kMatrix, Explode::kNo, text), ";colour=blue",
       "error: another name than the parameter's"},
      {"another name among them", define(Place::kPath, Style::kMatrix, Explode::kYes, texts),
       ";color=blue;x=1", "error: another name than the parameter's"},
      {"twice", define(Place::kPath, Style::kMatrix, Explode::kNo, text), ";color=a;color=b",
       "error: a ';' too many"},
      {"a header that is not UTF-8", define(Place::kHeader, Style::kSimple, Explode::kNo, text),
       "\xe9", "error: not UTF-8"},
      {"a cookie twice", define(Place::kCookie, Style::kForm, Explode::kYes, text),
       "color=a; color=b", "error: given twice"},
  });
}

TEST(Parameters, AreBounded) {
  const ParameterBounds bounds{.pairs = 3, .items = 2, .depth = 1, .text = 4};
  const Shape texts = array_of(kString);
  const auto form = define(Place::kQuery, Style::kForm, Explode::kNo, texts);
  const auto each = define(Place::kQuery, Style::kForm, Explode::kYes, texts);
  const auto matrix = define(Place::kPath, Style::kMatrix, Explode::kYes, texts);
  EXPECT_EQ(told(form, "a=&b=&c=&d=", bounds), "error: query: more than 3 pairs");
  EXPECT_EQ(told(form, "&&&", bounds), "error: query: more than 3 pairs");
  EXPECT_EQ(told(form, "color=a,b,c", bounds), "error: more than 2 items");
  EXPECT_EQ(told(form, "color=a,b", bounds), R"(["a","b"])");
  EXPECT_EQ(told(each, "color=a&color=b&color=c", bounds), "error: more than 2 items");
  EXPECT_EQ(told(matrix, ";color=a;color=b;color=c", bounds), "error: more than 2 items");
  EXPECT_EQ(told(form, "color=abcde", bounds), "error: too long");
  EXPECT_EQ(told(form, "color=%41%41%41%41", bounds), R"(["AAAA"])");
  EXPECT_EQ(told(form, "color=%41%41%41%41%41", bounds), "error: too long");
}

TEST(Parameters, AllowedEmptyValuesStandForNone) {
  auto flag = define(Place::kQuery, Style::kForm, Explode::kYes, scalar(kBoolean));
  flag.allow_empty_value = true;
  EXPECT_EQ(told(flag, "color"), "absent");
  EXPECT_EQ(told(flag, "color="), "absent");
  EXPECT_EQ(told(flag, "color=true"), "true");
}

TEST(Parameters, WhatNoDefinitionTookIsLeft) {
  Arena arena;
  const ParameterBounds bounds;
  const auto pairs = read_query("color=a&x=1&R=2", bounds, arena);
  ASSERT_TRUE(pairs);
  const auto form = define(Place::kQuery, Style::kForm, Explode::kYes, scalar(kString));
  ASSERT_TRUE(read_pair_parameter(form, *pairs, bounds, arena));
  EXPECT_TRUE((*pairs)[0].used);
  EXPECT_FALSE((*pairs)[1].used || (*pairs)[2].used);
  // An object with additional properties takes all that is left.
  Shape rest;
  rest.kind = Kind::kObject;
  rest.additional = std::make_shared<const Shape>(scalar(kInteger));
  const auto all = define(Place::kQuery, Style::kForm, Explode::kYes, rest);
  const MaybeValue value = read_pair_parameter(all, *pairs, bounds, arena);
  ASSERT_TRUE(value && *value);
  std::string json;
  append_json(json, all, **value);
  EXPECT_EQ(json, R"({"x":1,"R":2})");
}

TEST(Parameters, ReservedCharactersStayWhereAllowed) {
  auto definition = define(Place::kQuery, Style::kForm, Explode::kNo, array_of(kString));
  Arena arena;
  const auto written = [&](std::string_view raw) {
    const MaybeValue value = read(definition, raw, arena);
    std::string text;
    append_parameter(text, definition, value->value());
    return text;
  };
  EXPECT_EQ(written("color=a/b?c,d%2Ce"), "color=a%2Fb%3Fc,d%2Ce");
  definition.allow_reserved = true;
  EXPECT_EQ(written("color=a/b?c,d%2Ce"), "color=a/b?c,d%2Ce");
}

TEST(CheckDefinition, StylesHavePlacesAndShapes) {
  const Shape text = scalar(kString);
  const Shape texts = array_of(kString);
  Shape nested = texts;
  nested.items = std::make_shared<const Shape>(texts);
  struct DefinitionCase {
    std::string_view why;
    ParameterDefinition definition;
    bool want;
  };
  const DefinitionCase cases[] = {
      {"form", define(Place::kQuery, Style::kForm, Explode::kYes, texts), true},
      {"deepObject", define(Place::kQuery, Style::kDeepObject, Explode::kYes, colour()), true},
      {"content", define(Place::kHeader, Style::kContent, Explode::kNo, nested), true},
      {"form in a path", define(Place::kPath, Style::kForm, Explode::kYes, text), false},
      {"label in a query", define(Place::kQuery, Style::kLabel, Explode::kYes, text), false},
      {"matrix in a header", define(Place::kHeader, Style::kMatrix, Explode::kNo, text), false},
      {"deepObject in a cookie",
       define(Place::kCookie, Style::kDeepObject, Explode::kYes, colour()), false},
      {"deepObject of an array", define(Place::kQuery, Style::kDeepObject, Explode::kYes, texts),
       false},
      {"pipes of a text", define(Place::kQuery, Style::kPipeDelimited, Explode::kNo, text), false},
      {"spaces of an exploded object",
       define(Place::kQuery, Style::kSpaceDelimited, Explode::kYes, colour()), false},
      {"arrays of arrays", define(Place::kQuery, Style::kForm, Explode::kYes, nested), false},
  };
  for (const DefinitionCase& c : cases) {
    SCOPED_TRACE(c.why);
    EXPECT_EQ(check_definition(c.definition).has_value(), c.want);
  }
}

}  // namespace
}  // namespace portcullis::openapi
