#include "cedar/policy_parser.h"

#include "cedar/policy_json.h"
#include "cedar/policy_printer.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace portcullis::cedar {
namespace {

std::string deep(std::size_t times, std::string_view open, std::string_view inner,
                 std::string_view close) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += open;
  text += inner;
  for (std::size_t i = 0; i < times; ++i) text += close;
  return text;
}

// Printed back, which shows how it was understood; or the message.
std::string understood(std::string_view text) {
  AstBuilder builder;
  const auto expr = parse_expression(text, builder);
  if (!expr) return "error: " + expr.error().message;
  std::string out;
  append_expr(out, **expr);
  return out;
}

TEST(Expressions, BindAsTheGrammarSays) {
  struct Case {
    std::string_view text;
    std::string_view want;
  };
  const Case cases[] = {
      {"1+2*3-4", "1 + 2 * 3 - 4"},
      {"(1+2)*3", "(1 + 2) * 3"},
      {"1-(2-3)", "1 - (2 - 3)"},
      {"(1-2)-3", "1 - 2 - 3"},
      {"true||false&&true", "true || false && true"},
      {"(true||false)&&true", "(true || false) && true"},
      {"(true&&false)&&true", "true && false && true"},
      {"true&&(false&&true)", "true && (false && true)"},
      {"1<2&&3>=4", "1 < 2 && 3 >= 4"},
      {"(1<2)==true", "(1 < 2) == true"},
      {"!!true", "!(!true)"},
      {"--3", "-(-3)"},
      {"-(3)", "-(3)"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"1 - -1", "1 - -1"},
      {"007", "7"},
      {"if true then 1 else if false then 2 else 3", "if true then 1 else if false then 2 else 3"},
      {"if true then 1 else 2 == 2", "if true then 1 else 2 == 2"},
      {"(if true then 1 else 2) == 2", "(if true then 1 else 2) == 2"},
      {"principal.a[\"b c\"].d", "principal.a[\"b c\"].d"},
      {"principal[\"a\"]", "principal.a"},
      {"principal[\"if\"]", "principal[\"if\"]"},
      {"principal has a . b", "principal has a.b"},
      {"principal has \"a b\"", "principal has \"a b\""},
      {"principal.x like \"a*\\*\"", "principal.x like \"a*\\*\""},
      {"principal is A::B in C::\"d\"", "principal is A::B in C::\"d\""},
      {"principal is principal", "principal is principal"},
      {"[1, 2,].contains(1)", "[1, 2].contains(1)"},
      {"{a: 1, \"b c\": 2, permit: 3,}", "{a: 1, \"b c\": 2, permit: 3}"},
      {"ip(\"1.2.3.4\").isInRange(ip(\"::/0\"))", "ip(\"1.2.3.4\").isInRange(ip(\"::/0\"))"},
      {"ip()", "ip()"},
      {"principal.getTag(\"a\").isEmpty()", "principal.getTag(\"a\").isEmpty()"},
      {"A :: B :: \"c\\n\"", "A::B::\"c\\n\""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    EXPECT_EQ(understood(c.text), c.want);
    EXPECT_EQ(understood(c.want), c.want);
  }
}

TEST(Expressions, RefusesWhatCedarRefuses) {
  const std::string_view bad[] = {
      "",
      "1 == 1 == true",
      "1 < 2 in 3",
      "principal has a has b",
      "principal.if",
      "principal.__cedar",
      "principal has __cedar",
      "principal has (\"a\")",
      "principal has \"a\".b",
      "principal has a[\"b\"]",
      "principal has if",
      "principal in __cedar::\"x\"",
      "principal in A::if::\"x\"",
      "!-1",
      "-!true",
      "!!!!!true",
      "-----1",
      "9223372036854775808",
      "-9223372036854775809",
      "-(9223372036854775808)",
      "99999999999999999999",
      "1 / 2",
      "1 % 2",
      "1 = 1",
      "foo",
      "foo.bar",
      "foo::bar",
      "foo(1)",
      "Foo::ip(\"1\")",
      "principal()",
      "(1)(2)",
      "isIpv4(1)",
      "contains(1)",
      "[1].ip()",
      "[1].foo()",
      "[1].contains()",
      "[1].contains(1, 2)",
      "[1].isEmpty(1)",
      "\"a\" like (\"a\")",
      "\"a\" like principal",
      "principal is (User)",
      "principal is \"User\"",
      "principal[0]",
      "principal[\"a\" ]]",
      "{(\"a\"): 1}",
      "{a: 1, \"a\": 2}",
      "{A::b: 1}",
      "{if: 1}",
      "{1: 1}",
      "User::{id: \"a\"}",
      "?principal",
      "1 + if true then 1 else 2",
      "if true then 1",
      "[1, , 2]",
      "[1 2]",
      "true false",
      "\"\\q\"",
      "(1",
      "1)",
  };
  for (const std::string_view text : bad) {
    EXPECT_TRUE(understood(text).starts_with("error: ")) << text << " is " << understood(text);
  }
}

TEST(Expressions, AreBoundedInDepth) {
  EXPECT_EQ(understood(deep(150, "(", "true", ")")), "true");
  const std::string too_deep[] = {
      deep(5000, "(", "true", ")"),
      deep(5000, "[", "1", "]"),
      deep(5000, "!(", "true", ")"),
      deep(5000, "{a: ", "1", "}"),
      "principal" + deep(5000, ".a", "", ""),
      "1" + deep(5000, "+1", "", ""),
      deep(5000, "if true then 1 else ", "1", ""),
      "principal has a" + deep(5000, ".a", "", ""),
  };
  for (const std::string& text : too_deep)
    EXPECT_EQ(understood(text), "error: this is nested too deeply") << text.substr(0, 40);
  // A long chain is not deep.
  EXPECT_TRUE(understood("true" + deep(5000, "&&true", "", "")).starts_with("true && "));
  EXPECT_TRUE(understood("true" + deep(5000, "||true", "", "")).starts_with("true || "));
}

struct Read {
  PolicySet set;
  std::vector<Finding> findings;
  const Source* source = nullptr;
  explicit Read(std::string text) {
    source = &set.add_source(Source("p.cedar", std::move(text)));
    findings = parse_policies(*source, set);
  }
};

TEST(Policies, AreReadAndPrinted) {
  const std::string_view cases[] = {
      "permit(principal, action, resource);\n",
      "@id(\"a\")\n@if\nforbid(principal == A::\"b\", action == N::Action::\"c\", resource in "
      "D::\"e\")\n"
      "when { true }\nunless { 1 == 2 };\n",
      "permit(principal is A, action in [Action::\"a\", Action::\"b\"], resource is B::C in "
      "D::\"e\");\n",
      "permit(principal, action in [], resource);\n",
      "permit(principal, action in Action::\"a\", resource);\n",
      "permit(principal == ?principal, action, resource in ?resource);\n",
      "permit(principal is A in ?principal, action, resource == ?resource);\n",
  };
  for (const std::string_view text : cases) {
    SCOPED_TRACE(text);
    const Read read{std::string(text)};
    ASSERT_TRUE(read.findings.empty()) << read.source->describe(read.findings.front());
    std::string out;
    append_policy(out, read.set.policies().front());
    EXPECT_EQ(out, text);
  }
}

TEST(Policies, RefusesWhatCedarRefuses) {
  const std::string_view bad[] = {
      "permit(principal, action, resource)",
      "allow(principal, action, resource);",
      "permit(principal, action);",
      "permit(action, principal, resource);",
      "permit(principal, action, resource, context);",
      "permit(principal: User, action, resource);",
      "permit(principal = A::\"b\", action, resource);",
      "permit(principal == ?resource, action, resource);",
      "permit(principal == ?other, action, resource);",
      "permit(principal, action == ?action, resource);",
      "permit(principal in [A::\"b\"], action, resource);",
      "permit(principal is A == A::\"b\", action, resource);",
      "permit(principal in A::\"b\" is A, action, resource);",
      "permit(principal, action is Action, resource);",
      "permit(principal, action == User::\"a\", resource);",
      "permit(principal, action in [Action::\"a\", User::\"a\"], resource);",
      "permit(principal, action == [Action::\"a\"], resource);",
      "permit(principal == \"a\", action, resource);",
      "permit(principal == A, action, resource);",
      "permit(principal, action, resource) when {};",
      "permit(principal, action, resource) if { true };",
      "permit(principal, action, resource) when { ?principal == principal };",
      "permit(principal, action, resource) when { true;",
      "@id(\"a\") @id(\"b\") permit(principal, action, resource);",
      "@id(1) permit(principal, action, resource);",
      "@ permit(principal, action, resource);",
      "permit(principal, action, resource);;",
      "permit(principal, action, resource); x",
      "permit(principal, action, resource) when { \"\xff\" == \"\" };",
  };
  for (const std::string_view text : bad)
    EXPECT_FALSE(Read{std::string(text)}.findings.empty()) << text;
}

TEST(Policies, AllFaultsAreFoundAtOnceWhereTheyStand) {
  const Read read(
      "permit(principal, action, resource) when { principal.nme = 1 };\n"
      "permit(principal, action, resource);\n"
      "permit(principal, action, resource) when { foo };\n");
  ASSERT_EQ(read.findings.size(), 2U);
  EXPECT_EQ(read.source->describe(read.findings[0]),
            "p.cedar:1:58: error: `=` is no operator\n"
            "  permit(principal, action, resource) when { principal.nme = 1 };\n"
            "                                                           ^\n"
            "  help: write `==` to compare\n");
  EXPECT_EQ(read.source->locate(read.findings[1].at.begin), (Position{3, 44}));
}

TEST(Policies, AreCalledByTheirPosition) {
  const Read read("permit(principal, action, resource);\nforbid(principal, action, resource);\n");
  ASSERT_EQ(read.set.policies().size(), 2U);
  EXPECT_EQ(read.set.policies()[1].id, "policy1");
  EXPECT_EQ(read.set.find("policy1"), &read.set.policies()[1]);
  EXPECT_EQ(read.set.find("policy2"), nullptr);
}

TEST(Links, FillExactlyTheSlots) {
  Read read(
      "permit(principal == ?principal, action, resource in ?resource);\n"
      "permit(principal, action, resource);\n");
  const EntityUid user{"User", "a"};
  EXPECT_FALSE(read.set.link({"l", "policy0", user, std::nullopt}));
  EXPECT_FALSE(read.set.link({"l", "policy1", std::nullopt, std::nullopt}));
  EXPECT_FALSE(read.set.link({"l", "policy9", user, user}));
  EXPECT_FALSE(read.set.link({"policy1", "policy0", user, user}));
  EXPECT_TRUE(read.set.link({"l", "policy0", user, user}));
  EXPECT_FALSE(read.set.link({"l", "policy0", user, user}));
}

// What the human syntax says comes back from JSON.
TEST(PolicyJson, GoesBothWays) {
  const std::string_view cases[] = {
      "@a(\"x\")\n@b\npermit(principal is A in B::\"c\", action in [Action::\"x\", Action::\"y\"], "
      "resource == R::\"\\0\")\nwhen { true && false && (true || false) }\nunless { 1 != -2 "
      "};\n",
      "permit(principal, action, resource)\nwhen { principal has a.b && principal has \"c d\" };\n",
      "permit(principal, action, resource)\nwhen { principal.x like \"a*\\*é*\" };\n",
      "permit(principal, action, resource)\nwhen { if principal is A in [A::\"b\"] then [1] == [] "
      "else {\"a b\": 1, c: {}} == context };\n",
      "permit(principal, action, resource)\nwhen { ip(\"1.2.3.4\").isInRange(ip(\"::\")) && "
      "resource.hasTag(\"t\") && !resource.getTag(\"t\").isEmpty() && -(1 + 2 * 3 - 4) < 5 };\n",
  };
  for (const std::string_view text : cases) {
    SCOPED_TRACE(text);
    const Read read{std::string(text)};
    ASSERT_TRUE(read.findings.empty()) << read.source->describe(read.findings.front());
    std::string json;
    append_policies_json(json, read.set);
    PolicySet again;
    const auto result = read_policies(json, again);
    ASSERT_TRUE(result) << to_string(result.error()) << json;
    std::string out;
    append_policy(out, again.policies().front());
    EXPECT_EQ(out, text) << json;
  }
}

TEST(PolicyJson, ReadsTemplatesAndLinks) {
  PolicySet set;
  const auto read = read_policies(
      R"({"staticPolicies": {"s": {"effect": "forbid", "principal": {"op": "all"},
        "action": {"op": "in", "entity": {"__entity": {"type": "Action", "id": "a"}}},
        "resource": {"op": "All"}, "conditions": [{"kind": "when", "body": {"Value":
        {"a": [1, {"__extn": {"fn": "ip", "arg": "1.2.3.4"}}]}}}]}},
        "templates": {"t": {"effect": "permit", "principal": {"op": "==", "slot": "?principal"},
        "action": {"op": "All"}, "resource": {"op": "is", "entity_type": "R",
        "in": {"slot": "?resource"}}, "conditions": []}},
        "templateLinks": [{"templateId": "t", "newId": "l", "values": {
        "?principal": {"type": "U", "id": "a"}, "?resource": {"__entity": {"type": "R", "id": "b"}}}}]})",
      set);
  ASSERT_TRUE(read) << to_string(read.error());
  ASSERT_EQ(set.policies().size(), 2U);
  ASSERT_EQ(set.links().size(), 1U);
  std::string out;
  append_policy(out, *set.find("s"));
  EXPECT_EQ(out,
            "forbid(principal, action in Action::\"a\", resource)\n"
            "when { {a: [1, ip(\"1.2.3.4\")]} };\n");
  EXPECT_EQ(set.links()[0].resource, (EntityUid{"R", "b"}));
  std::string json;
  append_policies_json(json, set);
  PolicySet again;
  EXPECT_TRUE(read_policies(json, again));
  EXPECT_EQ(again.links().size(), 1U);
}

TEST(PolicyJson, RefusesWhatCedarRefuses) {
  const auto with_body = [](std::string_view body) {
    return R"({"effect":"permit","principal":{"op":"All"},"action":{"op":"All"},)"
           R"("resource":{"op":"All"},"conditions":[{"kind":"when","body":)" +
           std::string(body) + "}]}";
  };
  const std::string_view bodies[] = {
      R"({})",
      R"(true)",
      R"({"Value":null})",
      R"({"Value":1.5})",
      R"({"Value":{"__expr":"1"}})",
      R"({"Value":{"__extn":{"fn":"foo","arg":"x"}}})",
      R"({"Value":{"__entity":{"type":"A b","id":"x"}}})",
      R"({"Var":"foo"})",
      R"({"Slot":"?principal"})",
      R"({"==":{"left":{"Value":1}}})",
      R"({"==":{"left":{"Value":1},"right":{"Value":2},"foo":1}})",
      R"({"==":{"left":{"Value":1},"right":{"Value":2}},"!=":{}})",
      R"({"foo":[{"Value":1}]})",
      R"({"ip":{"Value":1}})",
      R"({"has":{"left":{"Var":"principal"},"attr":[]}})",
      R"({"has":{"left":{"Var":"principal"},"attr":1}})",
      R"({"is":{"left":{"Var":"principal"},"entity_type":"if"}})",
      R"({"like":{"left":{"Var":"principal"},"pattern":["*"]}})",
      R"({"!":{"arg":{"Value":true},"x":1}})",
      R"({"Record":{"a":{"Value":1},"a":{"Value":2}}})",
  };
  for (const std::string_view body : bodies) {
    PolicySet set;
    EXPECT_FALSE(read_policies(with_body(body), set)) << body;
  }
  const std::string_view policies[] = {
      R"({"effect":"allow","principal":{"op":"All"},"action":{"op":"All"},"resource":{"op":"All"},"conditions":[]})",
      R"({"effect":"permit","principal":{"op":"All"},"action":{"op":"All"},"resource":{"op":"All"}})",
      R"({"effect":"permit","principal":{"op":"All"},"action":{"op":"All"},"resource":{"op":"All"},"conditions":[],"x":1})",
      R"({"effect":"permit","principal":{"op":"All"},"action":{"op":"is","entity_type":"Action"},"resource":{"op":"All"},"conditions":[]})",
      R"({"effect":"permit","principal":{"op":"All"},"action":{"op":"==","entity":{"type":"A","id":"b"}},"resource":{"op":"All"},"conditions":[]})",
      R"({"effect":"permit","principal":{"op":"==","slot":"?resource"},"action":{"op":"All"},"resource":{"op":"All"},"conditions":[]})",
      R"({"effect":"permit","principal":{"op":"All"},"action":{"op":"All"},"resource":{"op":"All"},"conditions":[],"annotations":{"a b":"x"}})",
      R"({"staticPolicies":{},"templates":{}})",
      R"([])",
      R"({)",
  };
  for (const std::string_view policy : policies) {
    PolicySet set;
    EXPECT_FALSE(read_policies(policy, set)) << policy;
  }
  PolicySet set;
  std::string nested = R"({"Value":true})";
  for (int i = 0; i < 5000; ++i) nested = R"({"!":{"arg":)" + nested + "}}";
  EXPECT_FALSE(read_policies(with_body(nested), set));
}

}  // namespace
}  // namespace portcullis::cedar
