#include "cedar/validator.h"

#include "cedar/policy_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace portcullis::cedar {
namespace {

constexpr std::string_view kSchema = R"(
  entity Org;
  entity Group in [Org];
  entity User in [Group] = {
    name: String, age: Long, nick?: String, boss?: User, born: datetime, roles: Set<String>,
    home: { city: String, zip?: Long },
  } tags Long;
  entity Doc = { owner: User, public: Bool, from: ipaddr, price: decimal } ;
  entity Size enum ["small", "large"];
  action all;
  action view, edit in [all] appliesTo {
    principal: [User, Group], resource: Doc, context: { mfa: Bool, at?: duration, sizes: Set<Size> },
  };
  action grow appliesTo { principal: User, resource: Size };
)";

class Validator : public testing::Test {
 protected:
  // The messages, errors and warnings, of the policy.
  static std::string check(const std::string& policy) {
    static const auto schema = Schema::parse(kSchema);
    PolicySet set;
    const Source& source = set.add_source(Source("p", policy));
    for (const Finding& finding : parse_policies(source, set)) return "parse: " + finding.message;
    std::string all;
    for (const PolicyFinding& found : validate_policies(set, *schema)) {
      if (!all.empty()) all += " | ";
      if (found.finding.severity == Severity::kWarning) all += "warning: ";
      all += std::to_string(found.finding.at.begin) + ": " + found.finding.message;
      if (!found.finding.help.empty()) all += " (" + found.finding.help + ")";
    }
    return all;
  }
  // The same for a condition of a policy about one kind of request.
  static std::string when(std::string_view condition) {
    return check("permit(principal is User,action==Action::\"view\",resource)when{" +
                 std::string(condition) + "};");
  }
};

TEST_F(Validator, AcceptsWhatIsWellTyped) {
  const std::string_view cases[] = {
      "principal.name == \"a\" && principal.age + 1 < 2 * 3",
      "principal has nick && principal.nick like \"a*\"",
      "principal has nick && (principal.age > 1 || principal.nick == \"a\")",
      "if principal has nick then principal.nick == \"a\" else false",
      "principal has boss.nick && principal.boss.nick == \"a\"",
      "principal has boss && principal.boss.age > 1",
      "!(principal has nick) || principal.age > 1",
      "principal.home has zip && principal.home.zip == 1",
      "context has at && context.at < duration(\"1h\")",
      "principal.born < datetime(\"2020-01-01\").offset(duration(\"1d\"))",
      "resource.from.isInRange(ip(\"10.0.0.0/8\")) && resource.price.lessThan(decimal(\"1.0\"))",
      "principal in Group::\"a\" && principal in [Group::\"a\", Group::\"b\"]",
      "principal in Org::\"a\"",
      "principal is User && resource is Doc",
      "principal.hasTag(\"a\") && principal.getTag(\"a\") > 1",
      "principal.hasTag(principal.name) && principal.getTag(principal.name) > 1",
      "context.sizes.contains(Size::\"small\") && !context.sizes.isEmpty()",
      "[1, 2].containsAny([3]) && [[1]].contains([2])",
      "{a: 1, b: \"x\"} == {b: \"y\", a: 2}",
      "{a: 1}.a == 1",
      "[true, context.mfa].contains(false)",
      "context.mfa == true",
      "resource.owner == principal",
      "(if context.mfa then principal else resource.owner).age > 1",
      "context.mfa || (1 == \"a\")",
  };
  for (const std::string_view condition : cases) EXPECT_EQ(when(condition), "") << condition;
}

TEST_F(Validator, RefusesWhatIsIllTyped) {
  struct Bad {
    std::string_view condition;
    std::string_view message;
  };
  const Bad cases[] = {
      {"principal.nmae == \"a\"", "`User` has no attribute `nmae` (did you mean `name`?)"},
      {"principal.nick == \"a\"", "the attribute `nick` of `User` is optional"},
      {"principal has nick || principal.nick == \"a\"", "is optional"},
      {"resource.owner has nick && principal.nick == \"a\"", "is optional"},
      {"(principal has nick || context.mfa) && principal.nick == \"a\"", "is optional"},
      {"!(principal has nick) && principal.nick == \"a\"", "is optional"},
      {"principal has boss && principal.boss.nick == \"a\"", "is optional"},
      {"context.mfa.x", "expected an entity or a record"},
      {"principal.age", "expected Bool, but this is of type `Long`"},
      {"context.mfa && 1", "expected Bool"},
      {"!principal.age", "expected Bool"},
      {"principal.name + 1 == 1", "expected Long"},
      {"principal.name < 1", "expected Long"},
      {"principal.name < principal.name", "expected Long, datetime or duration"},
      {"resource.price < resource.price", "expected Long, datetime or duration"},
      {"principal.born < duration(\"1h\")", "expected datetime"},
      {"principal.age == principal.name", "this compares a value of type `Long` with one of type"},
      {"principal.home == {city: \"a\"}", "the records have different attributes"},
      {"principal == principal.home", "an entity is no record"},
      {"[1, \"a\"].contains(1)", "the elements of a set are of different types"},
      {"[principal, resource].contains(principal)", "the elements of a set are of different"},
      {"principal.roles.contains(1)", "asked for one"},
      {"principal.roles.containsAll([1])", "this compares a set"},
      {"principal.roles.containsAll(\"a\")", "one value is looked for with `.contains()`"},
      {"principal.name.contains(\"a\")", "a string with `like`"},
      {"principal.roles == []", "an empty set has no type"},
      {"(if context.mfa then 1 else \"a\") == 1", "both branches of `if`"},
      {"if principal.age then true else false", "expected Bool"},
      {"principal.age like \"a\"", "expected String"},
      {"principal.age in Group::\"a\"", "expected an entity"},
      {"principal in principal.roles", "expected an entity or a set of entities"},
      {"principal.age is User", "expected an entity"},
      {"principal.getTag(\"a\") > 1", "this tag may not be there"},
      {"principal.hasTag(\"a\") && principal.getTag(\"b\") > 1", "this tag may not be there"},
      {"resource.hasTag(1)", "expected String"},
      {"resource.from.isInRange(\"10.0.0.0/8\")", "expected `ipaddr`"},
      {"resource.from.isInRange(ip(\"10.0.0.0/99\"))", "this text is no ipaddr"},
      {"resource.price == decimal(\"1.00000\")", "this text is no decimal"},
      {"context has at && context.at == duration(\"1x\")", "this text is no duration"},
      {"principal.born == datetime(\"2020-13-01\")", "this text is no datetime"},
      {"resource.from == ip(principal.name)", "called with what is not a literal"},
      {"resource.from.isIpv4(1)", "wrong number of arguments"},
      {"principal in Gruop::\"a\"", "no entity type `Gruop` (did you mean `Group`?)"},
      {"principal is Usr", "no entity type `Usr`"},
      {"context.sizes.contains(Size::\"smal\")", "the schema enumerates (did you mean `small`?)"},
      {"action == Action::\"veiw\"", "no action `Action::\"veiw\"`"},
      {"principal has age.x", "expected an entity or a record"},
  };
  for (const Bad& c : cases) {
    const std::string found = when(c.condition);
    EXPECT_NE(found.find(c.message), std::string::npos) << c.condition << ": " << found;
    EXPECT_EQ(found.find("warning"), std::string::npos) << c.condition;
  }
}

TEST_F(Validator, TypesNothingThatIsNeverEvaluated) {
  for (const std::string_view condition :
       {"context.mfa || (false && 1)", "true || 1", "if true then context.mfa else 1",
        "context.mfa || (principal is Doc && principal.nothing)",
        "context.mfa || (context has nothing && context.nothing)",
        "context.mfa || (resource.hasTag(\"a\") && 1)",
        "context.mfa || (action == Action::\"edit\" && 1)",
        "context.mfa || (principal in Size::\"small\" && 1)"})
    EXPECT_EQ(when(condition), "") << condition;
}

TEST_F(Validator, WarnsOfWhatNeverApplies) {
  for (const std::string_view condition :
       {"false", "1 == 2", "principal == resource", "principal is Doc", "resource in Group::\"a\"",
        "action == Action::\"edit\"", "action in [Action::\"edit\"]", "context has nothing",
        "!(action in Action::\"all\")"})
    EXPECT_NE(when(condition).find("warning: 0: this policy can never apply"), std::string::npos)
        << condition << ": " << when(condition);
}

TEST_F(Validator, ChecksHeads) {
  struct Head {
    std::string_view head;
    std::string_view message;  // empty: fine
  };
  const Head cases[] = {
      {"principal, action, resource", ""},
      {"principal in Org::\"a\", action, resource", ""},
      {"principal is Group in Org::\"a\", action in [Action::\"all\"], resource", ""},
      {"principal == ?principal, action, resource in ?resource", ""},
      {"principal is User in ?principal, action == Action::\"grow\", resource == Size::\"large\"",
       ""},
      {"principal == Doc::\"a\", action, resource", "applies to no request"},
      {"principal == Org::\"a\", action, resource", "applies to no request"},
      {"principal in Doc::\"a\", action, resource", "applies to no request"},
      {"principal is Group, action == Action::\"grow\", resource", "applies to no request"},
      {"principal, action == Action::\"all\", resource", "applies to no request"},
      {"principal, action in [], resource", "applies to no request"},
      {"principal, action, resource == Size::\"huge\"", "the schema enumerates"},
      {"principal is Uesr, action, resource", "no entity type `Uesr` (did you mean `User`?)"},
      {"principal, action == Action::\"vew\", resource", "did you mean `Action::\"view\"`?"},
      {"principal, action == A::Action::\"view\", resource", "no action"},
      {"principal is User in Group::\"a\", action, resource is Group", "applies to no request"},
  };
  for (const Head& c : cases) {
    const std::string found = check("permit(" + std::string(c.head) + ");");
    if (c.message.empty()) {
      EXPECT_EQ(found, "") << c.head;
    } else {
      EXPECT_NE(found.find(c.message), std::string::npos) << c.head << ": " << found;
    }
  }
}

TEST_F(Validator, FindsWhatIsWrongInOneEnvironmentOnly) {
  EXPECT_NE(check("permit(principal, action == Action::\"view\", resource)"
                  "when { principal.age > 1 };")
                .find("`Group` has no attribute `age`"),
            std::string::npos);
  EXPECT_EQ(check("permit(principal, action == Action::\"view\", resource)"
                  "when { principal is User && principal.age > 1 };"),
            "");
  EXPECT_EQ(check("permit(principal, action, resource) unless { principal is Group };"), "");
}

TEST_F(Validator, SaysWhereAndOnlyOnce) {
  const std::string found = check(
      "permit(principal, action, resource)\n  when { context.mfa && principal.nmae == \"a\" };");
  EXPECT_NE(found.find("60: `User` has no attribute `nmae`"), std::string::npos) << found;
  const std::size_t first = found.find("`User` has no attribute");
  EXPECT_EQ(found.find("`User` has no attribute", first + 1), std::string::npos) << found;
}

TEST_F(Validator, StopsAtItsBounds) {
  std::string schema_text = "entity A; ";
  for (int i = 0; i < 50; ++i) schema_text += "entity P" + std::to_string(i) + " = { a: Long }; ";
  schema_text += "action a appliesTo { resource: A, principal: [P0";
  for (int i = 1; i < 50; ++i) schema_text += ", P" + std::to_string(i);
  schema_text += "] };";
  const auto schema = Schema::parse(schema_text);
  ASSERT_TRUE(schema);
  PolicySet set;
  const Source& source = set.add_source(
      Source("p", "permit(principal,action,resource)when{principal.a+principal.a==principal.a};"));
  ASSERT_TRUE(parse_policies(source, set).empty());
  EXPECT_TRUE(validate_policy(set.policies()[0], *schema).empty());
  const Findings stopped = validate_policy(set.policies()[0], *schema, {.steps = 100});
  ASSERT_EQ(stopped.size(), 1);
  EXPECT_NE(stopped[0].message.find("too many steps"), std::string::npos);
}

}  // namespace
}  // namespace portcullis::cedar
