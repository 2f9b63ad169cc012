#include "schema/text.h"

#include "schema/node.h"

#include <gtest/gtest.h>

#include <string>

namespace portcullis::schema {
namespace {

TEST(Text, ReadsWhatIsJson) {
  const struct {
    std::string_view why;
    std::string_view text;
    Kind kind;
    std::uint32_t tokens;
  } cases[] = {
      {"a word", "null", Kind::kNull, 1},
      {"blanks around it", " \n\ttrue\r ", Kind::kBoolean, 1},
      {"a number at the very end", "-0", Kind::kNumber, 1},
      {"a string at the very end", R"("a")", Kind::kString, 1},
      {"an empty string", R"("")", Kind::kString, 1},
      {"nothing within", "[ ]", Kind::kArray, 2},
      {"nothing within", "{}", Kind::kObject, 2},
      {"one within another", R"([[],{"a":[1,2]}])", Kind::kArray, 14},
      {"a quote that is escaped", R"(["\"]"])", Kind::kArray, 3},
      {"a backslash before the quote", R"(["\\",1])", Kind::kArray, 5},
      {"DEL is no control character to JSON", "\"\x7f\"", Kind::kString, 1},
      {"names that differ by case", R"({"a":1,"A":1})", Kind::kObject, 9},
      {"the same name in two objects", R"([{"a":1},{"a":1}])", Kind::kArray, 13},
  };
  Text text;  // one for all: what it kept must not show
  for (const auto& one : cases) {
    SCOPED_TRACE(one.why);
    const Result<void> read = text.read(one.text);
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_EQ(text.kind(Text::root()), one.kind);
    EXPECT_EQ(text.tokens(), one.tokens);
    EXPECT_EQ(text.after(Text::root()), one.tokens);
  }
}

TEST(Text, RefusesWhatIsNotJsonOrNotOneJson) {
  const struct {
    std::string_view why;
    std::string text;
    std::string_view says;
  } cases[] = {
      {"nothing", "", "empty"},
      {"blanks alone", "  ", "empty"},
      {"a byte order mark", "\xEF\xBB\xBF{}", "byte order mark"},
      {"another word", "[nul]", "malformed"},
      {"a word that goes on", "[nulls]", "malformed"},
      {"another language's word", "[True]", "malformed"},
      {"no number of JSON", "[NaN]", "malformed"},
      {"a word cut off by the end", "[tru", "malformed"},
      {"a word alone, cut off", "tru", "malformed"},
      {"two values", "1 2", "after its value"},
      {"two values within", "[1 2]", "malformed"},
      {"a comma behind", "[1,]", "malformed"},
      {"a comma before", "[,1]", "malformed"},
      {"a comma behind a member", R"({"a":1,})", "malformed"},
      {"a name without a value", R"({"a"})", "malformed"},
      {"a colon without a value", R"({"a":})", "malformed"},
      {"a value without a name", "{1}", "malformed"},
      {"a name that is no string", "{1:2}", "malformed"},
      {"a bracket of the other kind", "[1}", "malformed"},
      {"brackets of other kinds, in turn", "[{]}", "malformed"},
      {"one bracket too few", "[[1]", "too early"},
      {"one bracket too many", "[1]]", "after its value"},
      {"an open bracket alone", "[", "malformed"},
      {"an open brace alone", "{", "malformed"},
      {"an open string", R"(["a)", "string"},
      {"a string with something behind", R"(["a"b])", "malformed"},
      {"quotes of the other kind", "['a']", "malformed"},
      {"a zero before", "[01]", "number"},
      {"a zero before, negative", "[-01]", "number"},
      {"a sign alone", "[-]", "number"},
      {"a plus", "[+1]", "number"},
      {"a point alone", "[1.]", "number"},
      {"nothing before the point", "[.5]", "number"},
      {"an exponent alone", "[1e]", "number"},
      {"an exponent's sign alone", "[1e+]", "number"},
      {"hexadecimal", "[0x1]", "number"},
      {"a number with letters behind", "[1a]", "number"},
      {"a control character", "[\"\n\"]", "control character"},
      {"NUL", std::string("[\"\0\"]", 5), "control character"},
      {"invalid UTF-8", "[\"\xff\"]", "UTF-8"},
      {"a surrogate in UTF-8", "[\"\xed\xa0\x80\"]", "UTF-8"},
      {"an overlong slash", "[\"\xc0\xaf\"]", "UTF-8"},
      {"an unknown escape", R"(["\x41"])", "escape"},
      {"an escape cut off", R"(["\u00"])", "escape"},
      {"half a surrogate", R"(["\ud800"])", "surrogate"},
      {"the other half", R"(["\udc00"])", "surrogate"},
      {"halves in the wrong order", R"(["\udc00\ud800"])", "surrogate"},
      {"half a surrogate, and a letter", R"(["\ud800a"])", "surrogate"},
      {"the same name twice", R"({"a":1,"a":1})", "repeated name"},
      {"the same name, once escaped", R"({"a":1,"\u0061":2})", "repeated name"},
      {"the empty name twice", R"({"":1,"":2})", "repeated name"},
      {"a comment", "[1]//", "malformed"},
  };
  Text text;
  for (const auto& one : cases) {
    SCOPED_TRACE(one.why);
    const Result<void> read = text.read(one.text);
    ASSERT_FALSE(read) << one.text;
    EXPECT_EQ(read.error().code, ErrorCode::kMalformedRequest);
    EXPECT_NE(read.error().detail.find(one.says), std::string::npos) << read.error().detail;
  }
}

TEST(Text, FindsANameThatIsRepeatedAmongMany) {
  std::string text = "{";
  for (int i = 0; i < 1000; ++i) text += "\"name" + std::to_string(i) + "\":{\"x\":[]},";
  Text tokens;
  EXPECT_TRUE(tokens.read(text + "\"last\":0}"));
  EXPECT_FALSE(tokens.read(text + "\"name500\":0}"));
}

TEST(Text, KeepsToItsBounds) {
  const Bounds bounds{
      .size = 100, .depth = 3, .string_bytes = 5, .number_chars = 20, .properties = 2};
  const struct {
    std::string_view why;
    std::string text;
    bool fine;
  } cases[] = {
      {"as large as it may be", std::string(98, ' ') + "[]", true},
      {"larger", std::string(99, ' ') + "[]", false},
      {"as deep", "[[[]]]", true},
      {"deeper", "[[[[]]]]", false},
      {"as long a string", R"(["12345"])", true},
      {"longer", R"(["123456"])", false},
      {"a longer name", R"({"123456":1})", false},
      {"as long a number", "[12345678901234567890]", true},
      {"longer", "[123456789012345678901]", false},
      {"a great exponent", "[1e1000000]", true},
      {"a greater one", "[1e1000001]", false},
      {"as many names", R"({"a":1,"b":2})", true},
      {"more", R"({"a":1,"b":2,"c":3})", false},
  };
  Text text;
  for (const auto& one : cases) {
    SCOPED_TRACE(one.why);
    const Result<void> read = text.read(one.text, bounds);
    EXPECT_EQ(read.has_value(), one.fine);
    if (!read) EXPECT_EQ(read.error().code, ErrorCode::kContentTooLarge);
  }
}

TEST(Text, GivesStringsWithoutTheirEscapes) {
  Text text;
  ASSERT_TRUE(text.read(R"({"a\tb":"\"\\\/\b\f\n\r\t\u00e9\u20ac\ud83d\ude00 é"})"));
  const Node root(text, Text::root());
  root.for_members([](Node name, Node value) {
    EXPECT_EQ(name.string(), "a\tb");
    EXPECT_EQ(value.string(), "\"\\/\b\f\n\r\té€😀 é");
  });
  EXPECT_EQ(text.hash(1), name_hash("a\tb"));
}

TEST(Text, GivesNumbersAsTheyAre) {
  Text text;
  ASSERT_TRUE(text.read("[0,-0,-12,999999999999999999,1000000000000000000 ,1.50e2]"));
  std::vector<std::string> seen;
  Node(text, Text::root()).for_elements([&](Node one) {
    seen.push_back(text.is_small(one.at()) ? std::to_string(text.small(one.at()))
                                           : std::string(text.number(one.at())));
  });
  EXPECT_EQ(seen, (std::vector<std::string>{"0", "0", "-12", "999999999999999999",
                                            "1000000000000000000", "1.50e2"}));
}

TEST(NameHash, DependsOnEveryByte) {
  for (std::size_t size = 1; size < 40; ++size) {
    const std::string name(size, 'a');
    for (std::size_t at = 0; at < size; ++at) {
      std::string other = name;
      other[at] = 'b';
      // Three bytes or fewer are all of them looked at; more, in words.
      EXPECT_NE(name_hash(name), name_hash(other)) << size << " " << at;
    }
    EXPECT_NE(name_hash(name), name_hash(name + 'a'));
  }
}

}  // namespace
}  // namespace portcullis::schema
