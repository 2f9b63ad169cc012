#include "json/value.h"

#include "base/encoding.h"

#include <simdjson.h>

#include <algorithm>

namespace portcullis::json {

using detail::Node;

std::optional<bool> Value::as_bool() const {
  if (kind() != Kind::kBoolean) return std::nullopt;
  return node_->bits != 0;
}

std::optional<std::int64_t> Value::as_int64() const {
  if (kind() != Kind::kInteger) return std::nullopt;
  return node_->integer;
}

std::optional<std::uint64_t> Value::as_uint64() const {
  if (kind() == Kind::kUnsigned) return node_->bits;
  if (kind() == Kind::kInteger && node_->integer >= 0) return node_->bits;
  return std::nullopt;
}

std::optional<double> Value::as_double() const {
  if (kind() == Kind::kDouble) return node_->real;
  if (kind() == Kind::kInteger) return static_cast<double>(node_->integer);
  if (kind() == Kind::kUnsigned) return static_cast<double>(node_->bits);
  return std::nullopt;
}

std::optional<std::string_view> Value::as_string() const {
  if (kind() != Kind::kString) return std::nullopt;
  return text();
}

std::size_t Value::size() const { return is_array() || is_object() ? node_->count : 0; }

std::optional<Value> Value::find(std::string_view name) const {
  for (const Member member : members()) {
    if (member.name == name) return member.value;
  }
  return std::nullopt;
}

namespace {

std::unexpected<Error> too_deep() {
  return refuse(ErrorCode::kContentTooLarge, "JSON is nested deeper than its bound");
}

}  // namespace

// Copies simdjson's tape into a Document.
class Builder {
 public:
  Builder(Document& document, std::uint32_t depth) : document_(document), depth_left_(depth) {}

  [[nodiscard]] Result<void> add(simdjson::dom::element element) {
    switch (element.type()) {
      case simdjson::dom::element_type::NULL_VALUE:
        push(Kind::kNull, 0, 0);
        return {};
      case simdjson::dom::element_type::BOOL:
        push(Kind::kBoolean, 0, element.get_bool().value_unsafe() ? 1 : 0);
        return {};
      case simdjson::dom::element_type::INT64:
        push(Kind::kInteger, 0, 0).integer = element.get_int64().value_unsafe();
        return {};
      case simdjson::dom::element_type::UINT64:
        push(Kind::kUnsigned, 0, element.get_uint64().value_unsafe());
        return {};
      case simdjson::dom::element_type::DOUBLE:
        push(Kind::kDouble, 0, 0).real = element.get_double().value_unsafe();
        return {};
      case simdjson::dom::element_type::STRING:
        add_string(element.get_string().value_unsafe());
        return {};
      case simdjson::dom::element_type::ARRAY:
        return add_array(element.get_array().value_unsafe());
      case simdjson::dom::element_type::OBJECT:
        return add_object(element.get_object().value_unsafe());
    }
    return refuse(ErrorCode::kMalformedRequest, "JSON has a value of unknown kind");
  }

 private:
  Node& push(Kind kind, std::uint32_t count, std::uint64_t bits) {
    Node& node = document_.nodes_.emplace_back();
    node.kind = kind;
    node.count = count;
    node.bits = bits;
    return node;
  }

  void add_string(std::string_view text) {
    push(Kind::kString, static_cast<std::uint32_t>(text.size()), document_.strings_.size());
    document_.strings_.insert(document_.strings_.end(), text.begin(), text.end());
  }

  [[nodiscard]] Result<void> add_array(simdjson::dom::array array) {
    PC_TRY(const std::size_t at, open(Kind::kArray));
    std::uint32_t count = 0;
    for (const simdjson::dom::element element : array) {
      PC_CHECK_OK(add(element));
      ++count;
    }
    close(at, count);
    return {};
  }

  [[nodiscard]] Result<void> add_object(simdjson::dom::object object) {
    PC_TRY(const std::size_t at, open(Kind::kObject));
    std::vector<std::string_view> names;
    for (const simdjson::dom::key_value_pair member : object) {
      names.push_back(member.key);
      add_string(member.key);
      PC_CHECK_OK(add(member.value));
    }
    // Sorted rather than hashed: whoever writes the text cannot choose the cost.
    close(at, static_cast<std::uint32_t>(names.size()));
    std::ranges::sort(names);
    if (std::ranges::adjacent_find(names) != names.end()) {
      return refuse(ErrorCode::kMalformedRequest, "JSON has an object with a repeated name");
    }
    return {};
  }

  [[nodiscard]] Result<std::size_t> open(Kind kind) {
    if (depth_left_ == 0) return too_deep();
    --depth_left_;
    push(kind, 0, 0);
    return document_.nodes_.size() - 1;
  }

  void close(std::size_t at, std::uint32_t count) {
    ++depth_left_;
    document_.nodes_[at].count = count;
    document_.nodes_[at].bits = document_.nodes_.size() - at;
  }

  Document& document_;
  std::uint32_t depth_left_;
};

namespace {

// The code unit after `\u` at `at`, or -1.
int code_unit(std::string_view text, std::size_t at) {
  if (text.size() - at < 6 || text[at] != '\\' || text[at + 1] != 'u') return -1;
  int unit = 0;
  for (std::size_t i = at + 2; i < at + 6; ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

// RFC 8259 8.2 leaves a surrogate without its partner unpredictable, and simdjson 3.0 lets some
// pass: every escape is looked at here. A backslash is legal in strings alone, so no state but the
// position is needed; broken escapes are left for the parser to refuse.
bool surrogates_are_paired(std::string_view text) {
  for (std::size_t at = text.find('\\'); at != std::string_view::npos; at = text.find('\\', at)) {
    const int unit = code_unit(text, at);
    if (unit < 0) {
      at += 2;
    } else if (unit < 0xd800 || unit > 0xdfff) {
      at += 6;
    } else {
      if (unit >= 0xdc00) return false;
      const int partner = code_unit(text, at + 6);
      if (partner < 0xdc00 || partner > 0xdfff) return false;
      at += 12;
    }
    if (at >= text.size()) break;
  }
  return true;
}

std::string_view explain(simdjson::error_code code) {
  switch (code) {
    case simdjson::UTF8_ERROR:
      return "JSON is not valid UTF-8";
    case simdjson::NUMBER_ERROR:
      return "JSON has a number that is malformed or out of range";
    case simdjson::STRING_ERROR:
      return "JSON has a malformed string";
    case simdjson::UNCLOSED_STRING:
      return "JSON has a string without its end";
    case simdjson::UNESCAPED_CHARS:
      return "JSON has a control character in a string";
    case simdjson::EMPTY:
      return "JSON text is empty";
    default:
      return "JSON is malformed";
  }
}

}  // namespace

Result<Document> Document::parse(std::string_view text, const Bounds& bounds) {
  if (text.size() > bounds.size || text.size() > INT32_MAX) {
    return refuse(ErrorCode::kContentTooLarge, "JSON is larger than its bound");
  }
  if (text.starts_with("\xEF\xBB\xBF")) {
    return refuse(ErrorCode::kMalformedRequest, "JSON begins with a byte order mark");
  }
  if (!surrogates_are_paired(text)) {
    return refuse(ErrorCode::kMalformedRequest,
                  "JSON has an escaped surrogate without its partner");
  }
  simdjson::dom::parser parser;
  // The parser does not count empty containers and counts the document: the exact bound is the
  // builder's, this one keeps the parser's own stacks small.
  if (parser.allocate(std::max<std::size_t>(text.size(), 32), bounds.depth + 1) !=
      simdjson::SUCCESS) {
    return fail(ErrorCode::kMachine, "no memory for a JSON parser");
  }
  simdjson::dom::element root;
  const simdjson::error_code code = parser.parse(text.data(), text.size()).get(root);
  if (code == simdjson::DEPTH_ERROR) return too_deep();
  if (code != simdjson::SUCCESS) {
    return refuse(ErrorCode::kMalformedRequest, std::string(explain(code)));
  }
  Document document;
  PC_CHECK_OK(Builder(document, bounds.depth).add(root));
  return document;
}

}  // namespace portcullis::json
