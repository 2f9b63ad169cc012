// From schemas to a Program. The keywords are compiled in compile_*.cc, by what they are about.
#pragma once

#include "schema/options.h"
#include "schema/program.h"
#include "schema/registry.h"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace portcullis::schema {

// Sets of kinds, a bit for each.
using Kinds = std::uint8_t;
constexpr Kinds only(Kind kind) { return static_cast<Kinds>(1U << static_cast<unsigned>(kind)); }
inline constexpr Kinds kAllKinds = 0x3f;

// A schema that is being compiled.
struct Building {
  struct Held {
    const KeywordRow* row = nullptr;
    At value = 0;  // 0: absent; the root of a document is nobody's member
  };
  Location where;
  Dialect dialect;
  std::uint32_t number = 0;  // of the block
  Block block;
  std::array<Held, 64> held;  // by Keyword
  std::array<std::vector<Instruction>, kKinds> lists;

  [[nodiscard]] std::optional<Node> find(Keyword keyword) const {
    const Held& one = held[static_cast<std::size_t>(keyword)];
    if (one.value == 0) return std::nullopt;
    return Node(where.document->tokens, one.value);
  }
  // Of a keyword that is there.
  [[nodiscard]] Node value(Keyword keyword) const {
    return {where.document->tokens, held[static_cast<std::size_t>(keyword)].value};
  }
  [[nodiscard]] std::string_view name(Keyword keyword) const {
    return held[static_cast<std::size_t>(keyword)].row->name;
  }
  // To the lists of these kinds, where the type admits them.
  void add(Kinds kinds, const Instruction& one) {
    for (std::size_t kind = 0; kind < kKinds; ++kind) {
      if (((kinds & block.kinds) >> kind & 1) != 0) lists[kind].push_back(one);
    }
  }
};

struct Noun {
  std::string_view one;
  std::string_view many;
};

class Compiler {
 public:
  Compiler(const Options& options, Problems& problems)
      : options_(options), problems_(problems), registry_(options, problems) {}

  // `entries` are references, by the URI of the schema: `` or `#` is the whole. Look at the
  // problems before using what is returned.
  [[nodiscard]] Program compile(std::string_view text, std::span<const std::string> entries);

 private:
  void compile_pending();
  void compile_dynamic();
  void compile_block(std::uint32_t number, const Location& where);
  void compile_false(Building& b);
  void find_keywords(Building& b);
  void finish(Building& b);
  void refuse_endless();

  // compile_values.cc
  void compile_type(Building& b);
  std::optional<Kinds> read_types(Building& b, Node type, bool& integer);
  void compile_enum(Building& b);
  void compile_values(Building& b, Keyword keyword, std::span<const Node> values);
  void compile_range(Building& b);
  void compile_range_end(Building& b, Range::End& end, Keyword keyword, Keyword exclusive);
  void compile_multiple(Building& b);
  void compile_strings(Building& b);
  void compile_format(Building& b);
  void compile_integer_format(Building& b, std::string_view format);
  void compile_content(Building& b);
  void compile_span(Building& b, Kind kind, Op op, Keyword min, Keyword max, const Noun& what);
  bool read_count(Building& b, Keyword keyword, std::uint64_t& count);

  // compile_containers.cc
  void compile_arrays(Building& b);
  void compile_items(Building& b);
  void compile_contains(Building& b);
  void compile_objects(Building& b);
  void compile_properties(Building& b);
  void compile_required(Building& b, PropertyRules& rules);
  void compile_matching(Building& b, PropertyRules& rules);
  void compile_dependent(Building& b);
  void compile_dependency(Building& b, DependentRules& rules, Keyword keyword, Node name,
                          Node value);
  void compile_unevaluated(Building& b);

  // compile_any.cc
  void compile_references(Building& b);
  void compile_dynamic_reference(Building& b, Keyword keyword);
  void compile_applicators(Building& b);
  void compile_all_of(Building& b);
  void compile_alternatives(Building& b, Keyword keyword, Op op);
  void compile_condition(Building& b);
  void compile_discriminator(Building& b);
  void check_unknown(Building& b, std::string_view name);

  // The block of a schema that a keyword holds; one that is no schema is a problem, and kAccept.
  std::uint32_t block_at(const Building& b, Keyword keyword, const Location& child);
  std::uint32_t block_in(Building& b, Keyword keyword);  // of the keyword's own value
  std::uint32_t block_of(const Location& where);
  // The same for a schema that is asked of the same value: what may not go round in circles.
  std::uint32_t same_value_block(Building& b, std::uint32_t block) {
    edges_[b.number].push_back(block);
    return block;
  }
  [[nodiscard]] Location child(const Building& b, Keyword keyword, std::string_view token,
                               Node node) const;
  [[nodiscard]] bool is_false(const Building& b, Keyword keyword) const;

  std::uint32_t rule(const Building& b, Keyword keyword, std::string message,
                     std::string_view token = {});
  std::uint32_t rule_at(const Building& b, std::string_view keyword, std::string_view pointer,
                        std::string message);
  void wrong(const Building& b, Keyword keyword, std::string message);
  void wrong_at(const Building& b, Keyword keyword, Node node, std::string_view token,
                std::string message);
  Number constant(Node node);
  void add_constant(Node node);
  void read_constants();
  std::optional<std::uint32_t> add_pattern(const Building& b, Keyword keyword, Node node,
                                           std::string_view token, std::string_view text);
  std::uint32_t dynamic_number(std::string_view anchor);

  template <typename T>
  static std::uint32_t push(std::vector<T>& table, T item) {
    table.push_back(std::move(item));
    return static_cast<std::uint32_t>(table.size() - 1);
  }

  const Options& options_;
  Problems& problems_;
  Registry registry_;
  Program program_;
  std::unordered_map<std::uint64_t, std::uint32_t> blocks_;    // Location::key -> block
  std::vector<Location> locations_;                            // of each block
  std::size_t done_ = 0;                                       // blocks that are compiled
  std::vector<std::vector<std::uint32_t>> edges_;              // to blocks of the same value
  std::map<std::string, std::uint32_t, std::less<>> dynamic_;  // anchors; "" is recursive
};

}  // namespace portcullis::schema
