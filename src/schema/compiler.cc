#include "schema/compiler.h"

#include "base/check.h"

#include <fmt/format.h>

#include <algorithm>

namespace portcullis::schema {
namespace {

// The keywords of JSON Schema that would be silently without effect.
std::string_view instead_of(std::string_view keyword) {
  if (keyword == "const") return "; `enum` with one value says the same";
  if (keyword == "prefixItems" || keyword == "additionalItems") return "; `items` is all there is";
  return "";
}

}  // namespace

Program Compiler::compile(std::string_view text, std::span<const std::string> entries) {
  const std::optional<Location> main = registry_.add_main(text);
  if (!main) return {};
  program_.rules.push_back({});
  for (const std::string& entry : entries) {
    std::optional<Location> where = main;
    if (!entry.empty() && entry != "#") where = registry_.resolve(*main, "$ref", entry);
    if (where) program_.entries.push_back(block_of(*where));
  }
  // New dynamic anchors make new blocks, and those may have references to more documents.
  do {
    compile_pending();
    compile_dynamic();
  } while (done_ < locations_.size() && !problems_.enough());
  if (!problems_.any()) refuse_endless();
  read_constants();
  return std::move(program_);
}

void Compiler::compile_pending() {
  for (; done_ < locations_.size() && !problems_.enough(); ++done_) {
    // A copy: the vector grows while the block is compiled.
    const Location where = locations_[done_];
    compile_block(static_cast<std::uint32_t>(done_), where);
  }
}

// Gives every resource that has a dynamic anchor which somebody asks for its row.
void Compiler::compile_dynamic() {
  program_.dynamic.resize(dynamic_.size());
  for (const auto& [anchor, number] : dynamic_) {
    const std::uint32_t count = registry_.resource_count();
    program_.dynamic[number].resize(count, kNone);
    for (std::uint32_t id = 0; id < count; ++id) {
      std::uint32_t& block = program_.dynamic[number][id];
      if (block != kNone) continue;
      const Resource& resource = registry_.resource(id);
      if (anchor.empty()) {
        if (resource.recursive_anchor) block = block_of(registry_.locate(resource, resource.root));
        continue;
      }
      const auto at = resource.dynamic_anchors.find(anchor);
      if (at != resource.dynamic_anchors.end()) {
        block = block_of(registry_.locate(resource, at->second));
      }
    }
  }
}

std::uint32_t Compiler::dynamic_number(std::string_view anchor) {
  const auto number = static_cast<std::uint32_t>(dynamic_.size());
  return dynamic_.try_emplace(std::string(anchor), number).first->second;
}

std::uint32_t Compiler::block_of(const Location& where) {
  const Node node = where.node();
  if (node.is_true() || (node.is(Kind::kObject) && node.count() == 0)) return kAccept;
  const auto [row, added] =
      blocks_.try_emplace(where.key(), static_cast<std::uint32_t>(locations_.size()));
  if (added) {
    locations_.push_back(where);
    program_.blocks.emplace_back();
    edges_.emplace_back();
  }
  return row->second;
}

std::uint32_t Compiler::block_at(const Building& b, Keyword keyword, const Location& held) {
  const Node node = held.node();
  const bool additional =
      keyword == Keyword::kAdditionalProperties || keyword == Keyword::kAdditionalItems;
  const bool booleans =
      (b.dialect.draft != Draft::k4 && b.dialect.draft != Draft::kOpenApi30) || additional;
  if (node.is(Kind::kObject) || (booleans && node.is(Kind::kBoolean))) return block_of(held);
  problems_.add(*held.document, held.at, held.pointer,
                booleans ? "a schema is an object or a boolean" : "a schema is an object");
  return kAccept;
}

Location Compiler::child(const Building& b, Keyword keyword, std::string_view token,
                         Node node) const {
  const Location held = registry_.child(b.where, b.name(keyword), b.value(keyword));
  return registry_.child(held, token, node);
}

std::uint32_t Compiler::block_in(Building& b, Keyword keyword) {
  return block_at(b, keyword, registry_.child(b.where, b.name(keyword), b.value(keyword)));
}

bool Compiler::is_false(const Building& b, Keyword keyword) const {
  const std::optional<Node> value = b.find(keyword);
  return value && value->is_false();
}

void Compiler::find_keywords(Building& b) {
  b.where.node().for_members([&](Node name, Node value) {
    const KeywordRow* const row = find_keyword(b.dialect, name.string());
    if (row == nullptr) {
      check_unknown(b, name.string());
    } else {
      // `definitions` and `$defs` are the same keyword, and hold nothing that is compiled here.
      b.held[static_cast<std::size_t>(row->keyword)] = {row, value.at()};
    }
  });
}

// The dialect of OpenAPI 3.0 is a closed part of JSON Schema: whoever writes a keyword of the rest
// believes that it is checked.
void Compiler::check_unknown(Building& b, std::string_view name) {
  if (b.dialect.draft != Draft::kOpenApi30 || !is_assertion_elsewhere(name)) return;
  registry_.report(b.where, name,
                   fmt::format("`{}` is no keyword of OpenAPI 3.0{}", name, instead_of(name)));
}

void Compiler::compile_block(std::uint32_t number, const Location& where) {
  Building b;
  b.where = where;
  b.number = number;
  b.dialect = registry_.resource(where.resource).dialect;
  b.block.resource = where.resource;
  if (where.node().is_false()) {
    compile_false(b);
    return;
  }
  if (!where.node().is(Kind::kObject)) {
    problems_.add(*where.document, where.at, where.pointer, "a schema is an object or a boolean");
    return;
  }
  find_keywords(b);
  if (b.dialect.ref_stands_alone() && b.find(Keyword::kRef)) {
    compile_references(b);
    finish(b);
    return;
  }
  // What is cheap first; unevaluated* last, by what they mean.
  compile_type(b);
  compile_enum(b);
  compile_range(b);
  compile_multiple(b);
  compile_strings(b);
  compile_arrays(b);
  compile_objects(b);
  compile_references(b);
  compile_applicators(b);
  compile_discriminator(b);
  compile_unevaluated(b);
  finish(b);
}

void Compiler::compile_false(Building& b) {
  const std::uint32_t broken = rule_at(b, "false", b.where.pointer, "must not be there");
  b.add(kAllKinds, {.op = Op::kFail, .rule = broken});
  finish(b);
}

void Compiler::finish(Building& b) {
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    b.block.lists[kind] = static_cast<std::uint32_t>(program_.code.size());
    program_.code.insert(program_.code.end(), b.lists[kind].begin(), b.lists[kind].end());
    program_.code.push_back({});
  }
  program_.blocks[b.number] = b.block;
}

std::uint32_t Compiler::rule_at(const Building& b, std::string_view keyword,
                                std::string_view pointer, std::string message) {
  const Document& document = *b.where.document;
  const std::string_view uri = document.id == 0 ? std::string_view() : document.uri;
  return push(program_.rules,
              Rule{std::string(keyword), fmt::format("{}#{}", uri, pointer), std::move(message)});
}

std::uint32_t Compiler::rule(const Building& b, Keyword keyword, std::string message,
                             std::string_view token) {
  std::string pointer = extend_pointer(b.where.pointer, b.name(keyword));
  if (token.data() != nullptr) append_pointer(pointer, token);
  return rule_at(b, b.name(keyword), pointer, std::move(message));
}

void Compiler::wrong(const Building& b, Keyword keyword, std::string message) {
  problems_.add(*b.where.document, b.value(keyword).at(),
                extend_pointer(b.where.pointer, b.name(keyword)), std::move(message));
}

void Compiler::wrong_at(const Building& b, Keyword keyword, Node node, std::string_view token,
                        std::string message) {
  std::string pointer = extend_pointer(b.where.pointer, b.name(keyword));
  append_pointer(pointer, token);
  problems_.add(*b.where.document, node.at(), pointer, std::move(message));
}

Number Compiler::constant(Node node) {
  const Text& text = node.text();
  if (text.is_small(node.at())) return Number(text.small(node.at()));
  program_.number_texts.emplace_back(text.number(node.at()));
  return Number(std::string_view(program_.number_texts.back()));
}

void Compiler::add_constant(Node node) {
  Constants& constants = program_.constants;
  if (constants.text.size() > 1) constants.text.push_back(',');
  const std::string_view raw = node.text().raw(node.at());
  constants.text.insert(constants.text.end(), raw.begin(), raw.end());
  constants.places.push_back(0);  // known when all of them are
}

void Compiler::read_constants() {
  Constants& constants = program_.constants;
  constants.text.push_back(']');
  // All of it was read before, within bounds; the array around it is one more level.
  const std::string_view text(constants.text.data(), constants.text.size());
  PC_CHECK(constants.tokens.read(text, {.size = SIZE_MAX,
                                        .depth = UINT32_MAX,
                                        .string_bytes = UINT32_MAX,
                                        .number_chars = UINT32_MAX,
                                        .properties = UINT32_MAX}));
  std::size_t index = 0;
  Node(constants.tokens, Text::root()).for_elements([&](Node one) {
    constants.places[index++] = one.at();
  });
}

std::optional<std::uint32_t> Compiler::add_pattern(const Building& b, Keyword keyword, Node node,
                                                   std::string_view token, std::string_view text) {
  Result<Pattern> pattern = Pattern::compile(text);
  if (!pattern) {
    if (token.data() == nullptr) {
      wrong(b, keyword, std::move(pattern).error().detail);
    } else {
      wrong_at(b, keyword, node, token, std::move(pattern).error().detail);
    }
    return std::nullopt;
  }
  return push(program_.patterns, *std::move(pattern));
}

// A schema that refers to itself without going into the value would be asked for ever. Depth
// first, without recursion: a block is open while what it refers to is looked at.
void Compiler::refuse_endless() {
  enum class State : std::uint8_t { kNew, kOpen, kDone };
  std::vector<State> states(edges_.size(), State::kNew);
  std::vector<std::pair<std::uint32_t, std::size_t>> way;
  for (std::uint32_t start = 0; start < edges_.size(); ++start) {
    if (states[start] == State::kNew) way.emplace_back(start, 0);
    while (!way.empty()) {
      const std::uint32_t block = way.back().first;
      states[block] = State::kOpen;
      if (way.back().second == edges_[block].size()) {
        states[block] = State::kDone;
        way.pop_back();
        continue;
      }
      const std::uint32_t next = edges_[block][way.back().second++];
      if (next >= edges_.size() || states[next] == State::kDone) continue;
      if (states[next] == State::kNew) {
        way.emplace_back(next, 0);
        continue;
      }
      const Location& where = locations_[next];
      problems_.add(*where.document, where.at, where.pointer,
                    "refers to itself without going into the value, so that checking would never "
                    "end");
      return;
    }
  }
}

}  // namespace portcullis::schema
