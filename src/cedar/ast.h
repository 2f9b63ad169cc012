// Policies as they were written, from either syntax: what the printers, the validator and the
// compiler read. Plain data in the arena of a PolicySet; every view and pointer borrows from it.
#pragma once

#include "base/arena.h"
#include "cedar/functions.h"
#include "cedar/source.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace portcullis::cedar {

// `Namespace::Type::"id"`. Types are written with `::` and without blanks; ids are unescaped.
struct EntityUid {
  std::string_view type;
  std::string_view id;
  friend bool operator==(const EntityUid&, const EntityUid&) = default;
};

[[nodiscard]] std::string to_string(const EntityUid& uid);

enum class Variable : std::uint8_t { kPrincipal, kAction, kResource, kContext };
[[nodiscard]] std::string_view name_of(Variable variable);

// Which members of Expr a kind uses is said beside it; o is `operands`.
enum class ExprKind : std::uint8_t {
  kBool,      // boolean
  kLong,      // integer
  kString,    // text
  kEntity,    // text (the type), id
  kVariable,  // variable
  kNot,       // o[0]
  kNegate,    // o[0]
  kAnd,       // o[0] && o[1] && ...: two or more
  kOr,        // o[0] || o[1] || ...: two or more
  kIf,        // o[0] condition, o[1] then, o[2] else
  kEqual,     // o[0], o[1], as all that follow until kMultiply
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kAdd,
  kSubtract,
  kMultiply,
  kContains,  // o[0].contains(o[1]), as the other methods with one argument
  kContainsAll,
  kContainsAny,
  kIsEmpty,       // o[0]
  kGetTag,        // o[0], o[1]
  kHasTag,        // o[0], o[1]
  kGetAttribute,  // o[0], text
  kHas,           // o[0], names: `e has a.b.c` is `e has a && e.a has b && e.a.b has c`
  kLike,          // o[0], text: a pattern (escape.h)
  kIs,            // o[0], text (the type), and o[1] when `in` follows
  kSet,           // operands
  kRecord,        // operands, and as many names; no name twice
  kCall,          // function, operands; of a method o[0] is what it is called on
};

// As JSON calls the operators and methods, which but for `neg` is how they are written in policies
// too; empty for what is neither.
[[nodiscard]] std::string_view operator_name(ExprKind kind);

struct Expr {
  ExprKind kind = ExprKind::kBool;
  Variable variable = Variable::kPrincipal;
  Function function = Function::kIp;
  bool boolean = false;
  std::uint16_t height = 1;  // of the tree, at most kMaxHeight
  Span span = {};
  std::int64_t integer = 0;
  std::string_view text = {};
  std::string_view id = {};
  std::span<const Expr* const> operands = {};
  std::span<const std::string_view> names = {};
};

// Deeper expressions are refused, so that what walks a tree may recurse.
inline constexpr std::uint16_t kMaxHeight = 200;

enum class Effect : std::uint8_t { kPermit, kForbid };

struct Annotation {
  std::string_view name;
  std::optional<std::string_view> value;  // `@name` alone has none, which counts as ""
  Span span;
};

enum class ScopeKind : std::uint8_t { kAny, kEqual, kIn, kIs, kIsIn };

// One of the three parts of a policy's head.
struct Scope {
  ScopeKind kind = ScopeKind::kAny;
  bool is_slot = false;   // ?principal or ?resource stands in the place of the entity
  bool is_list = false;   // `action in [...]`, which may be empty
  std::string_view type;  // of kIs and kIsIn
  std::span<const EntityUid> entities;
  Span span;
};

enum class ConditionKind : std::uint8_t { kWhen, kUnless };

struct Condition {
  ConditionKind kind = ConditionKind::kWhen;
  const Expr* body = nullptr;
  Span span;
};

struct Policy {
  std::string_view id;  // `policy0`, ... by position, or the key in JSON
  Effect effect = Effect::kPermit;
  Scope principal;
  Scope action;
  Scope resource;
  std::span<const Annotation> annotations;
  std::span<const Condition> conditions;
  const Source* source = nullptr;  // nullptr when it was not read from text
  Span span;

  [[nodiscard]] bool is_template() const { return principal.is_slot || resource.is_slot; }
  [[nodiscard]] const Annotation* annotation(std::string_view name) const;
};

// A template with its slots filled is a policy, under an id of its own.
struct TemplateLink {
  std::string_view id;
  std::string_view template_id;
  std::optional<EntityUid> principal;
  std::optional<EntityUid> resource;
};

// Makes nodes, keeping each text once.
class AstBuilder {
 public:
  [[nodiscard]] std::string_view text(std::string_view text);
  template <typename T>
  [[nodiscard]] std::span<const T> list(const std::vector<T>& items) {
    T* copy = arena_.array<T>(items.size());
    std::uninitialized_copy(items.begin(), items.end(), copy);
    return {copy, items.size()};
  }
  // The operands of a kAnd or kOr: when the first is one of the same kind itself, its operands.
  // `(a && b) && c` is `a && b && c`.
  [[nodiscard]] std::span<const Expr* const> chain(ExprKind kind,
                                                   const std::vector<const Expr*>& operands);
  // Copies the node and gives it its height. The operands must be made already; nothing is made
  // when the tree would be too high.
  [[nodiscard]] const Expr* expr(const Expr& node);

 private:
  Arena arena_;
  std::unordered_set<std::string_view> texts_;
};

class PolicySet {
 public:
  PolicySet() : builder_(std::make_unique<AstBuilder>()) {}

  // Kept as long as the set.
  const Source& add_source(Source source);

  // Static policies and templates, in the order of the text. Ids are one space with those of links.
  [[nodiscard]] std::span<const Policy> policies() const { return policies_; }
  [[nodiscard]] std::span<const TemplateLink> links() const { return links_; }
  [[nodiscard]] const Policy* find(std::string_view id) const;

  // False when the id is taken.
  [[nodiscard]] bool add(const Policy& policy);
  // Checks that there is such a template, that its slots and no others are filled, and the id.
  [[nodiscard]] Parsed<> link(const TemplateLink& link);

  [[nodiscard]] AstBuilder& builder() { return *builder_; }

 private:
  std::unique_ptr<AstBuilder> builder_;
  std::deque<Source> sources_;
  std::vector<Policy> policies_;
  std::vector<TemplateLink> links_;
  std::unordered_map<std::string_view, std::size_t> by_id_;  // kLinkBit: of links_
};

}  // namespace portcullis::cedar
