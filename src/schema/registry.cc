#include "schema/registry.h"

#include "schema/metaschemas.h"
#include "schema/uri.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace portcullis::schema {
namespace {

constexpr std::uint32_t kMetaschemasDeep = 8;
// Below what a Text may have, so that what is taken out of a document can be read by itself.
constexpr std::uint32_t kDepthLimit = 400;

// A plain name of an anchor: 2019-09 core 8.2.3, and what RFC 3986 lets a fragment have for the
// older drafts.
bool is_anchor(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~:!$&'()*+,;=@/?").contains(c);
  });
}

std::string_view id_keyword(const Dialect& dialect) {
  return dialect.draft == Draft::k4 ? "id" : "$id";
}

std::string quoted(std::string_view text) { return fmt::format("`{}`", text); }

}  // namespace

void Problems::add(const Document& document, At at, std::string_view pointer, std::string message) {
  if (enough()) return;
  SchemaError error;
  // The main document is the first.
  if (document.id != 0) error.document = document.uri;
  const std::string_view before =
      std::string_view(document.text).substr(0, document.tokens.offset(at));
  error.line = static_cast<std::uint32_t>(std::ranges::count(before, '\n')) + 1;
  const std::size_t line_end = before.rfind('\n');
  error.column = static_cast<std::uint32_t>(
      before.size() - (line_end == std::string_view::npos ? 0 : line_end + 1) + 1);
  error.pointer = pointer;
  error.message = std::move(message);
  errors_.push_back(std::move(error));
}

void Problems::add_whole(std::string_view uri, std::string message) {
  if (enough()) return;
  SchemaError error;
  error.document = uri;
  error.message = std::move(message);
  errors_.push_back(std::move(error));
}

void Registry::report(const Location& schema, std::string_view keyword, std::string message) {
  const std::optional<Node> value = schema.node().find(keyword);
  if (value) {
    problems_.add(*schema.document, value->at(), extend_pointer(schema.pointer, keyword),
                  std::move(message));
  } else {
    problems_.add(*schema.document, schema.at, schema.pointer, std::move(message));
  }
}

Document* Registry::add_document(std::string_view uri, std::string text, std::string& why) {
  if (documents_.size() >= options_.documents) {
    why = "the schema needs more documents than may be read";
    return nullptr;
  }
  auto document = std::make_unique<Document>();
  document->id = static_cast<std::uint32_t>(documents_.size());
  document->uri = uri;
  document->text = std::move(text);
  const Bounds bounds{.size = options_.document_bytes,
                      .depth = std::min(options_.depth, kDepthLimit),
                      .string_bytes = 1024 * 1024,
                      .number_chars = 4096,
                      .properties = 100'000};
  if (Result<void> read = document->tokens.read(document->text, bounds); !read) {
    why = std::move(read).error().detail;
    return nullptr;
  }
  documents_.push_back(std::move(document));
  return documents_.back().get();
}

std::optional<Location> Registry::add_main(std::string_view text) {
  std::string why;
  Document* const document = add_document(options_.uri, std::string(text), why);
  if (document == nullptr) {
    problems_.add_whole("", std::move(why));
    return std::nullopt;
  }
  return scan_document(*document, split_fragment(options_.uri).resource);
}

std::optional<Location> Registry::scan_document(Document& document, std::string_view uri) {
  Location root{&document, Text::root(), 0, ""};
  if (!root.node().is(Kind::kObject) && !root.node().is(Kind::kBoolean)) {
    problems_.add(document, root.at, "", "a schema is an object or a boolean");
    return std::nullopt;
  }
  root.resource = add_resource(root, uri, dialect_at(root, options_.dialect));
  scan(root);
  root.resource = scanned_.at(root.key());
  return root;
}

// The dialect that `$schema` says, or `otherwise`.
Dialect Registry::dialect_at(const Location& where, const Dialect& otherwise) {
  const std::optional<Node> value = where.node().find("$schema");
  if (!value || otherwise.draft == Draft::kOpenApi30) return otherwise;
  if (!value->is(Kind::kString)) {
    report(where, "$schema", "expects a URI");
    return otherwise;
  }
  std::string why;
  if (const std::optional<Dialect> known = dialect_of_metaschema(value->string(), why)) {
    return *known;
  }
  report(where, "$schema", std::move(why));
  return otherwise;
}

std::optional<Dialect> Registry::dialect_of_metaschema(std::string_view uri, std::string& why) {
  if (const std::optional<Dialect> known = find_dialect_of_uri(uri)) return known;
  if (metaschemas_open_ >= kMetaschemasDeep) {
    why = "metaschemas describe one another without end";
    return std::nullopt;
  }
  ++metaschemas_open_;
  const Resource* const metaschema = find_resource(split_fragment(uri).resource, why);
  --metaschemas_open_;
  if (metaschema == nullptr) {
    why = fmt::format("the dialect {} is not known: {}", quoted(uri), why);
    return std::nullopt;
  }
  Dialect dialect = metaschema->dialect;
  const Node root(metaschema->document->tokens, metaschema->root);
  const std::optional<Node> vocabulary = root.find("$vocabulary");
  if (!vocabulary || dialect.is_older_than_2019()) return dialect;
  dialect.vocabularies = kCore;
  dialect.asserts_format = false;
  bool fine = true;
  vocabulary->for_members([&](Node name, Node required) {
    if (const std::optional<VocabularyUri> known = find_vocabulary(name.string())) {
      dialect.vocabularies |= known->bit;
      // 2019-09 has one vocabulary of formats, and asserts when it must be understood.
      const bool old = dialect.draft == Draft::k2019 && known->bit == Vocabulary::kFormat;
      dialect.asserts_format |= known->asserts_format || (old && required.is_true());
    } else if (required.is_true()) {
      why = fmt::format("the dialect {} needs the vocabulary {}, which is not known here",
                        quoted(uri), quoted(name.string()));
      fine = false;
    }
  });
  if (!fine) return std::nullopt;
  return dialect;
}

std::uint32_t Registry::add_resource(const Location& where, std::string_view uri,
                                     const Dialect& dialect) {
  auto made = std::make_unique<Resource>();
  made->id = resource_count();
  made->uri = uri;
  made->document = where.document;
  made->root = where.at;
  made->pointer = where.pointer;
  made->dialect = dialect;
  const auto [row, added] = by_uri_.try_emplace(made->uri, made.get());
  if (!added && !where.pointer.empty()) {
    report(where, id_keyword(dialect), fmt::format("{} is another schema's too", quoted(uri)));
  }
  resources_.push_back(std::move(made));
  return resources_.back()->id;
}

// Gives `where` a resource of its own when it has an identifier; returns its resource.
std::uint32_t Registry::identify(const Location& where) {
  Resource& parent = *resources_[where.resource];
  const bool is_root = where.at == parent.root;
  const std::optional<Node> own_schema = where.node().find("$schema");
  Dialect dialect = parent.dialect;
  const bool may_differ = own_schema && own_schema->is(Kind::kString) &&
                          (where.node().find("$id") || where.node().find("id"));
  if (!is_root && may_differ) dialect = dialect_at(where, dialect);
  if (dialect.draft == Draft::kOpenApi30) return where.resource;
  const std::string_view keyword = id_keyword(dialect);
  const std::optional<Node> id = where.node().find(keyword);
  if (!id || (dialect.ref_stands_alone() && where.node().find("$ref"))) return where.resource;
  if (!id->is(Kind::kString)) {
    report(where, keyword, "expects a URI reference");
    return where.resource;
  }
  const SplitUri split = split_fragment(id->string());
  if (!split.fragment.empty()) {
    if (!dialect.is_older_than_2019()) {
      report(where, keyword, "may have no fragment; `$anchor` names a part of a document");
      return where.resource;
    }
    if (split.resource.empty()) {
      add_anchor(where, keyword, split.fragment);
      return where.resource;
    }
  }
  if (split.resource.empty()) return where.resource;
  const std::string uri = resolve_uri(parent.uri, split.resource);
  std::uint32_t resource = where.resource;
  if (is_root) {
    // The URI by which it was asked for still finds it.
    parent.uri = uri;
    by_uri_.try_emplace(uri, &parent);
  } else {
    resource = add_resource(where, uri, dialect);
  }
  if (!split.fragment.empty()) {
    Location named = where;
    named.resource = resource;
    add_anchor(named, keyword, split.fragment);
  }
  return resource;
}

void Registry::add_anchor(const Location& where, std::string_view keyword, std::string_view name) {
  Resource& resource = *resources_[where.resource];
  if (!is_anchor(name)) {
    // `#/definitions/a` as an identifier of old says where it is, which is known.
    if (!name.starts_with('/')) report(where, keyword, "is no name of an anchor");
    return;
  }
  if (!resource.anchors.try_emplace(std::string(name), where.at).second) {
    report(where, keyword, fmt::format("{} is another schema's too", quoted(name)));
  }
}

void Registry::add_anchors(const Location& where) {
  Resource& resource = *resources_[where.resource];
  const Node node = where.node();
  for (const std::string_view keyword : {"$anchor", "$dynamicAnchor"}) {
    const std::optional<Node> name = node.find(keyword);
    if (!name || find_keyword(resource.dialect, keyword) == nullptr) continue;
    if (!name->is(Kind::kString) || !is_anchor(name->string()) || name->string().contains('/')) {
      report(where, keyword, "is no name of an anchor");
      continue;
    }
    if (keyword == "$dynamicAnchor") {
      resource.dynamic_anchors.try_emplace(std::string(name->string()), where.at);
      // The same name twice on one schema is one name.
      const auto known = resource.anchors.find(name->string());
      if (known != resource.anchors.end() && known->second == where.at) continue;
    }
    add_anchor(where, keyword, name->string());
  }
  if (where.at != resource.root || resource.dialect.draft != Draft::k2019) return;
  const std::optional<Node> recursive = node.find("$recursiveAnchor");
  resource.recursive_anchor = recursive && recursive->is_true();
}

void Registry::scan(Location where) {
  if (scanned_.contains(where.key()) || problems_.enough()) return;
  if (scanned_.size() >= options_.schemas) {
    problems_.add(*where.document, where.at, where.pointer, "the schema has too many parts");
    return;
  }
  const bool is_object = where.node().is(Kind::kObject);
  if (is_object) where.resource = identify(where);
  scanned_.emplace(where.key(), where.resource);
  if (!is_object) return;
  add_anchors(where);
  scan_within(where);
}

void Registry::scan_within(const Location& where) {
  const Dialect dialect = resources_[where.resource]->dialect;
  where.node().for_members([&](Node name, Node value) {
    const KeywordRow* const row = find_keyword(dialect, name.string());
    if (row != nullptr) scan_held(where, *row, name, value);
  });
}

void Registry::scan_held(const Location& where, const KeywordRow& row, Node name, Node value) {
  switch (row.holds) {
    case Holds::kNothing:
      return;
    case Holds::kSchemaOrList:
    case Holds::kList:
      if (value.is(Kind::kArray)) {
        std::size_t index = 0;
        value.for_elements([&](Node element) {
          scan_member(where, name.string(), fmt::to_string(index++), element);
        });
        return;
      }
      if (row.holds == Holds::kList) return;
      [[fallthrough]];
    case Holds::kSchema:
      scan_member(where, name.string(), {}, value);
      return;
    case Holds::kMap:
    case Holds::kDependencies:
      value.for_members(
          [&](Node key, Node held) { scan_member(where, name.string(), key.string(), held); });
      return;
  }
}

// What is no schema is reported by whoever compiles it.
void Registry::scan_member(const Location& where, std::string_view a, std::string_view b,
                           Node node) {
  if (!node.is(Kind::kObject) && !node.is(Kind::kBoolean)) return;
  std::string pointer = extend_pointer(where.pointer, a);
  if (b.data() != nullptr) append_pointer(pointer, b);
  scan({where.document, node.at(), where.resource, std::move(pointer)});
}

Location Registry::locate(const Resource& resource, At at) const {
  Location found{resource.document, at, resource.id, resource.pointer};
  if (const auto known = scanned_.find(found.key()); known != scanned_.end()) {
    found.resource = known->second;
  }
  // Down from the root, by what holds the token.
  Node node(resource.document->tokens, resource.root);
  while (node.at() != at) {
    std::optional<Node> next;
    std::size_t index = 0;
    const auto look = [&](std::string_view token, Node held) {
      if (held.at() > at || at >= held.text().after(held.at())) return;
      next = held;
      append_pointer(found.pointer, token);
    };
    node.for_members([&](Node name, Node value) { look(name.string(), value); });
    node.for_elements([&](Node element) { look(fmt::to_string(index++), element); });
    if (!next) break;
    node = *next;
  }
  return found;
}

Location Registry::child(const Location& parent, std::string_view token, Node node) const {
  Location made{parent.document, node.at(), parent.resource, extend_pointer(parent.pointer, token)};
  if (const auto known = scanned_.find(made.key()); known != scanned_.end()) {
    made.resource = known->second;
  }
  return made;
}

Resource* Registry::find_resource(std::string_view uri, std::string& why) {
  if (const auto known = by_uri_.find(uri); known != by_uri_.end()) return known->second;
  std::string text;
  if (const std::optional<std::string_view> metaschema = find_metaschema(uri)) {
    text = *metaschema;
  } else {
    std::optional<Result<std::string>> loaded;
    if (options_.load) loaded = options_.load(uri);
    if (!loaded) {
      why = fmt::format("nothing is known by the URI {}{}", quoted(uri),
                        is_absolute_uri(uri) ? ", and nothing is fetched"
                                             : ", which is relative: give the schema an `$id`");
      return nullptr;
    }
    if (!*loaded) {
      why = std::move(*loaded).error().detail;
      return nullptr;
    }
    text = **std::move(loaded);
  }
  std::string reason;
  Document* const document = add_document(uri, std::move(text), reason);
  if (document == nullptr) {
    why = fmt::format("{} cannot be read: {}", quoted(uri), reason);
    return nullptr;
  }
  if (!scan_document(*document, uri)) {
    why = fmt::format("{} is no schema", quoted(uri));
    return nullptr;
  }
  return by_uri_.find(uri)->second;
}

std::optional<Location> Registry::resolve(const Location& from, std::string_view keyword,
                                          std::string_view reference) {
  const std::string uri = resolve_uri(resources_[from.resource]->uri, reference);
  const SplitUri split = split_fragment(uri);
  std::string why;
  const Resource* const target = find_resource(split.resource, why);
  if (target == nullptr) {
    report(from, keyword, std::move(why));
    return std::nullopt;
  }
  std::string fragment;
  if (!percent_decode(split.fragment, fragment)) {
    report(from, keyword, "is no URI reference");
    return std::nullopt;
  }
  if (fragment.empty()) return locate(*target, target->root);
  if (fragment.starts_with('/')) {
    std::optional<Location> found = descend(*target, fragment);
    if (!found) report(from, keyword, fmt::format("there is no {} there", quoted(fragment)));
    return found;
  }
  const auto anchor = target->anchors.find(fragment);
  if (anchor == target->anchors.end()) {
    report(from, keyword, fmt::format("there is no anchor {} there", quoted(fragment)));
    return std::nullopt;
  }
  return locate(*target, anchor->second);
}

// A JSON Pointer from the root of a resource. What is there becomes a schema by being pointed at.
std::optional<Location> Registry::descend(const Resource& from, std::string_view pointer) {
  Location at{from.document, from.root, from.id, from.pointer};
  while (!pointer.empty()) {
    pointer.remove_prefix(1);
    const std::size_t end = std::min(pointer.find('/'), pointer.size());
    std::string token;
    for (std::size_t i = 0; i < end; ++i) {
      const bool escape = pointer[i] == '~' && i + 1 < end;
      if (escape && pointer[i + 1] == '0') {
        token.push_back('~');
      } else if (escape && pointer[i + 1] == '1') {
        token.push_back('/');
      } else {
        token.push_back(pointer[i]);
        continue;
      }
      ++i;
    }
    pointer.remove_prefix(end);
    std::optional<Node> next = at.node().find(token);
    if (at.node().is(Kind::kArray)) {
      std::size_t index = 0;
      at.node().for_elements([&](Node element) {
        if (fmt::to_string(index++) == token) next = element;
      });
    }
    if (!next) return std::nullopt;
    at = child(at, token, *next);
  }
  scan(at);
  at.resource = scanned_.contains(at.key()) ? scanned_.at(at.key()) : at.resource;
  return at;
}

}  // namespace portcullis::schema
