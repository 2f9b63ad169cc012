#include "config/yaml.h"

#include "config/nearest.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <exception>
#include <sstream>
#include <unordered_map>
#include <utility>

namespace portcullis::config {
namespace {

// The length of the UTF-8 sequence at the start of `text`, or 0 (RFC 3629 4).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (!tail(1) || !tail(2)) return 0;
    if (first == 0xe0 && byte(1) < 0xa0) return 0;
    if (first == 0xed && byte(1) > 0x9f) return 0;
    return 3;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if (first == 0xf0 && byte(1) < 0x90) return 0;
    if (first == 0xf4 && byte(1) > 0x8f) return 0;
    return 4;
  }
  return 0;
}

// yaml-cpp repairs bad UTF-8 in silence, guesses UTF-16, and takes the byte 0x04 for the end of the
// file: none of these may reach it.
bool is_plain_text(std::string_view text, std::uint32_t file, Diagnostics& diagnostics) {
  Position at{file, 1, 1};
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text.substr(i));
    if (length == 0) {
      diagnostics.error(at, "", "the file is not UTF-8 text");
      return false;
    }
    const auto c = static_cast<unsigned char>(text[i]);
    if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f) {
      diagnostics.error(at, "", fmt::format("control character 0x{:02x}", c));
      return false;
    }
    if (c == '\n') {
      ++at.line;
      at.column = 1;
    } else {
      ++at.column;
    }
    i += length;
  }
  return true;
}

class Builder final : public YAML::EventHandler {
 public:
  Builder(std::string_view text, std::uint32_t file, Diagnostics& diagnostics)
      : text_(text), file_(file), diagnostics_(diagnostics) {
    line_starts_.push_back(0);
    for (std::size_t i = 0; i < text.size(); ++i)
      if (text[i] == '\n') line_starts_.push_back(i + 1);
  }

  [[nodiscard]] bool stopped() const { return stopped_; }
  [[nodiscard]] std::optional<Value> take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ == 2) stop(place(mark), "a second document begins here: a file holds one");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    if (!count(mark)) return;
    put(value_at(mark, ValueKind::kNull));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    if (!count(mark)) return;
    diagnostics_.error(place(mark), "", "aliases (`*name`) are refused: write the value out");
    put(value_at(mark, ValueKind::kRefused));
  }

  void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
    if (stopped_) return;
    diagnostics_.error(place(mark), "",
                       "anchors are refused: remove " + quote("&" + name) +
                           " and write the value out where it is needed");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    if (!count(mark)) return;
    check_tag(mark, tag);
    check_quote(mark);
    if (stopped_) return;
    Value scalar = value_at(mark, ValueKind::kScalar);
    scalar.quoted = tag == "!";
    scalar.text = value;
    put(std::move(scalar));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, ValueKind::kSequence);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, ValueKind::kMapping);
  }
  void OnMapEnd() override { close(); }

  [[nodiscard]] Position place(const YAML::Mark& mark) const {
    if (mark.is_null()) return {file_, 1, 1};
    return {file_, static_cast<std::uint32_t>(mark.line + 1),
            static_cast<std::uint32_t>(mark.column + 1)};
  }

 private:
  struct Frame {
    Value value;
    bool has_key = false;
    bool refused_key = false;  // its value is read, and dropped
    Member member;             // the key that waits for its value
    std::unordered_map<std::string, Position> seen;
  };

  [[nodiscard]] Value value_at(const YAML::Mark& mark, ValueKind kind) const {
    Value value;
    value.kind = kind;
    value.at = place(mark);
    return value;
  }

  void stop(Position at, std::string message) {
    if (stopped_) return;
    stopped_ = true;
    diagnostics_.error(at, "", std::move(message));
  }

  bool count(const YAML::Mark& mark) {
    if (stopped_) return false;
    if (++nodes_ > kMaxNodes)
      stop(place(mark), fmt::format("more than {} keys and values", kMaxNodes));
    return !stopped_;
  }

  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    // "?" and "!" are what yaml-cpp says of plain and quoted values without a tag; "!" is also
    // what it says of the tag `!` itself.
    const bool written = (tag != "?" && tag != "!") || (tag == "!" && from(mark).starts_with('!'));
    if (written)
      diagnostics_.error(place(mark), "", "tags (`!name`) are refused: write the value without");
  }

  // yaml-cpp takes a quote that is never closed for one that closes at the end of the file, when a
  // line break stands there.
  void check_quote(const YAML::Mark& mark) {
    const std::string_view rest = from(mark);
    if (!rest.starts_with('"') && !rest.starts_with('\'')) return;
    const char quote = rest[0];
    for (std::size_t i = 1; i < rest.size(); ++i) {
      const bool doubled = quote == '\'' && rest.substr(i).starts_with("''");
      if (doubled || (quote == '"' && rest[i] == '\\'))
        ++i;
      else if (rest[i] == quote)
        return;
    }
    stop(place(mark), "not valid YAML: the quote is never closed");
  }

  // The text from a mark on.
  [[nodiscard]] std::string_view from(const YAML::Mark& mark) const {
    const auto line = static_cast<std::size_t>(mark.line);
    if (mark.line < 0 || line >= line_starts_.size()) return {};
    const std::size_t at = line_starts_[line] + static_cast<std::size_t>(mark.column);
    return at < text_.size() ? text_.substr(at) : std::string_view();
  }

  void open(const YAML::Mark& mark, const std::string& tag, ValueKind kind) {
    if (!count(mark)) return;
    check_tag(mark, tag);
    if (stack_.size() >= kMaxDepth) {
      stop(place(mark), fmt::format("nested deeper than {} levels", kMaxDepth));
      return;
    }
    Frame& frame = stack_.emplace_back();
    frame.value = value_at(mark, kind);
  }

  void close() {
    if (stopped_) return;
    Value value = std::move(stack_.back().value);
    stack_.pop_back();
    put(std::move(value));
  }

  void put(Value value) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return;
    }
    Frame& frame = stack_.back();
    if (frame.value.kind == ValueKind::kSequence) {
      frame.value.items.push_back(std::move(value));
    } else if (!frame.has_key) {
      put_key(frame, std::move(value));
    } else {
      frame.has_key = false;
      if (frame.refused_key) return;
      frame.member.value = std::move(value);
      frame.value.members.push_back(std::move(frame.member));
    }
  }

  void put_key(Frame& frame, Value key) {
    frame.has_key = true;
    frame.refused_key = true;
    if (key.kind == ValueKind::kRefused) return;
    if (key.kind != ValueKind::kScalar) {
      diagnostics_.error(key.at, "", "a key must be text");
      return;
    }
    if (key.text == "<<" && !key.quoted) {
      diagnostics_.error(key.at, "", "merge keys (`<<`) are refused: write the keys out");
      return;
    }
    const auto [earlier, fresh] = frame.seen.emplace(key.text, key.at);
    if (!fresh) {
      diagnostics_.error(key.at, "",
                         fmt::format("duplicate key {}; it is already at line {}: remove one",
                                     quote(key.text), earlier->second.line));
      return;
    }
    frame.refused_key = false;
    frame.member = Member{std::move(key.text), key.at, {}};
  }

  std::string_view text_;
  std::uint32_t file_;
  Diagnostics& diagnostics_;
  std::vector<std::size_t> line_starts_;
  std::vector<Frame> stack_;
  std::optional<Value> root_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
  bool stopped_ = false;
};

// The line (from 1) has a tab before its first character: what the parser makes of that says
// nothing to the person who wrote it.
bool is_indented_by_tab(std::string_view text, std::uint32_t line) {
  for (; line > 1 && text.contains('\n'); --line) text.remove_prefix(text.find('\n') + 1);
  const std::string_view indentation = text.substr(0, text.find_first_not_of(" \t"));
  return line == 1 && indentation.contains('\t');
}

}  // namespace

std::optional<Value> parse_yaml(std::string_view text, std::uint32_t file,
                                Diagnostics& diagnostics) {
  if (text.size() > kMaxFileSize) {
    diagnostics.error({file, 0, 0}, "", "the file is larger than 4 MiB");
    return std::nullopt;
  }
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (!is_plain_text(text, file, diagnostics)) return std::nullopt;

  Builder builder(text, file, diagnostics);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    if (parser.HandleNextDocument(builder) && !builder.stopped())
      (void)parser.HandleNextDocument(builder);  // reports a second document
  } catch (const YAML::Exception& e) {
    if (!builder.stopped()) {
      const Position at = builder.place(e.mark);
      diagnostics.error(
          at, "",
          "not valid YAML: " +
              (is_indented_by_tab(text, at.line) ? "tabs cannot indent: use spaces" : e.msg));
    }
    return std::nullopt;
  } catch (const std::exception& e) {
    diagnostics.error({file, 0, 0}, "", std::string("the file cannot be read: ") + e.what());
    return std::nullopt;
  }
  if (builder.stopped()) return std::nullopt;
  std::optional<Value> root = builder.take();
  if (!root) diagnostics.error({file, 1, 1}, "", "the file is empty");
  return root;
}

}  // namespace portcullis::config
