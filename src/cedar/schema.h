// A schema whose names are resolved: what entity types, actions and types there are. Immutable, and
// safe to read from several threads.
#pragma once

#include "cedar/schema_source.h"
#include "cedar/types.h"

#include <cstddef>
#include <expected>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::cedar {

struct SchemaEntity {
  std::string name;                  // `NS::User`
  TypeRef shape = nullptr;           // a record
  TypeRef tags = nullptr;            // nullptr: no tags
  std::vector<std::string> choices;  // sorted; of an enumerated type, which has only these ids
  std::vector<std::string> parents;  // sorted; those that are declared
  std::vector<std::string>
      descendants;  // sorted; whatever can be in it, through any number of steps
  Annotations annotations;

  [[nodiscard]] bool enumerated() const { return !choices.empty(); }
  [[nodiscard]] bool may_hold(std::string_view type) const;  // a descendant of that type
};

// `NS::Action::"view"`: a type and an id.
struct ActionName {
  std::string type;
  std::string id;
  friend auto operator<=>(const ActionName&, const ActionName&) = default;
};

struct SchemaAction {
  ActionName name;
  std::vector<std::string> principals;  // sorted
  std::vector<std::string> resources;   // sorted
  TypeRef context = nullptr;            // a record
  std::vector<ActionName> parents;      // sorted; those that are declared
  std::vector<ActionName> ancestors;    // sorted; through any number of steps
  std::vector<ActionName> descendants;  // sorted; through any number of steps
  Annotations annotations;
};

class Schema {
 public:
  // Looks up every name. All that cannot be found is reported together.
  [[nodiscard]] static std::expected<Schema, Findings> resolve(const SchemaSource& source);
  // Reads either syntax and resolves it.
  [[nodiscard]] static std::expected<Schema, Findings> parse(std::string_view text,
                                                             const SchemaBounds& bounds = {});

  [[nodiscard]] const SchemaEntity* entity(std::string_view name) const;
  [[nodiscard]] const SchemaAction* action(std::string_view type, std::string_view id) const;

  [[nodiscard]] const std::map<std::string, SchemaEntity, std::less<>>& entities() const {
    return entities_;
  }
  [[nodiscard]] const std::map<ActionName, SchemaAction>& actions() const { return actions_; }
  // The type of actions of a namespace that declares some.
  [[nodiscard]] bool is_action_type(std::string_view name) const;

  [[nodiscard]] const TypePool& types() const { return *types_; }

 private:
  friend class SchemaResolver;
  Schema() : types_(std::make_unique<TypePool>()) {}

  std::unique_ptr<TypePool> types_;  // on the heap: types point at each other
  std::map<std::string, SchemaEntity, std::less<>> entities_;
  std::map<ActionName, SchemaAction> actions_;
  std::vector<std::string> action_types_;  // sorted
};

// Whether the last part of the name is `Action`, which only types of actions may have.
[[nodiscard]] bool is_action_name(std::string_view type);

// The most similar of the names; empty when none is near enough to be meant. `names` is looked at
// up to a bound.
[[nodiscard]] std::string nearest(std::string_view wanted, const std::vector<std::string>& names);

// "did you mean `x`?", or empty.
[[nodiscard]] std::string did_you_mean(std::string_view wanted,
                                       const std::vector<std::string>& names);

// `NS::Action::"view"`
[[nodiscard]] std::string to_string(const ActionName& name);

}  // namespace portcullis::cedar
