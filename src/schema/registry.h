// The documents that a schema is made of: where schemas are in them, what they are called (`$id`,
// anchors), and what a reference means. JSON Schema 2020-12 core 8 and 9.
#pragma once

#include "schema/node.h"
#include "schema/options.h"
#include "schema/text.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace portcullis::schema {

struct Document {
  std::uint32_t id = 0;
  std::string uri;  // by which it was asked for
  std::string text;
  Text tokens;
};

// The errors of one compilation, in the order in which they were found.
class Problems {
 public:
  explicit Problems(std::size_t limit) : limit_(limit) {}
  void add(const Document& document, At at, std::string_view pointer, std::string message);
  void add_whole(std::string_view uri, std::string message);
  [[nodiscard]] bool any() const { return !errors_.empty(); }
  [[nodiscard]] bool enough() const { return errors_.size() >= limit_; }
  [[nodiscard]] std::vector<SchemaError> take() && { return std::move(errors_); }

 private:
  std::size_t limit_;
  std::vector<SchemaError> errors_;
};

// A schema resource: what a URI names.
struct Resource {
  std::uint32_t id = 0;
  std::string uri;
  Document* document = nullptr;
  At root = 0;
  std::string pointer;  // of the root, in the document
  Dialect dialect;
  std::map<std::string, At, std::less<>> anchors;  // dynamic ones too
  std::map<std::string, At, std::less<>> dynamic_anchors;
  bool recursive_anchor = false;
};

// A schema: where it is, and what it belongs to.
struct Location {
  Document* document = nullptr;
  At at = 0;
  std::uint32_t resource = 0;
  std::string pointer;  // in the document

  [[nodiscard]] Node node() const { return {document->tokens, at}; }
  [[nodiscard]] std::uint64_t key() const {
    return static_cast<std::uint64_t>(document->id) << 32 | at;
  }
};

class Registry {
 public:
  Registry(const Options& options, Problems& problems) : options_(options), problems_(problems) {}

  // The schema itself. Nothing when it cannot be read; the problems say why.
  [[nodiscard]] std::optional<Location> add_main(std::string_view text);
  // What `reference` in the schema `from` means. Nothing when it means nothing; the problems say
  // so at `keyword`, a member of `from`.
  [[nodiscard]] std::optional<Location> resolve(const Location& from, std::string_view keyword,
                                                std::string_view reference);
  [[nodiscard]] const Resource& resource(std::uint32_t id) const { return *resources_[id]; }
  [[nodiscard]] std::uint32_t resource_count() const {
    return static_cast<std::uint32_t>(resources_.size());
  }
  // The schema at a token of a resource's document.
  [[nodiscard]] Location locate(const Resource& resource, At at) const;
  // A schema that is directly within `parent`: its resource differs when it has an `$id`.
  [[nodiscard]] Location child(const Location& parent, std::string_view token, Node node) const;
  void report(const Location& schema, std::string_view keyword, std::string message);

 private:
  [[nodiscard]] Document* add_document(std::string_view uri, std::string text, std::string& why);
  [[nodiscard]] Resource* find_resource(std::string_view uri, std::string& why);
  [[nodiscard]] std::optional<Location> scan_document(Document& document, std::string_view uri);
  void scan(Location where);
  void scan_within(const Location& where);
  void scan_held(const Location& where, const KeywordRow& row, Node name, Node value);
  void scan_member(const Location& where, std::string_view a, std::string_view b, Node node);
  [[nodiscard]] std::uint32_t identify(const Location& where);
  [[nodiscard]] std::uint32_t add_resource(const Location& where, std::string_view uri,
                                           const Dialect& dialect);
  void add_anchors(const Location& where);
  void add_anchor(const Location& where, std::string_view keyword, std::string_view name);
  [[nodiscard]] Dialect dialect_at(const Location& where, const Dialect& otherwise);
  [[nodiscard]] std::optional<Dialect> dialect_of_metaschema(std::string_view uri,
                                                             std::string& why);
  [[nodiscard]] std::optional<Location> descend(const Resource& from, std::string_view pointer);

  const Options& options_;
  Problems& problems_;
  std::vector<std::unique_ptr<Document>> documents_;
  std::vector<std::unique_ptr<Resource>> resources_;
  std::map<std::string, Resource*, std::less<>> by_uri_;
  std::unordered_map<std::uint64_t, std::uint32_t> scanned_;  // Location::key -> resource
  std::uint32_t metaschemas_open_ = 0;                        // being asked for their dialect
};

}  // namespace portcullis::schema
