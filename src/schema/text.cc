#include "schema/text.h"

#include "base/encoding.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

namespace portcullis::schema {
namespace {

constexpr std::uint32_t kDepthLimit = 512;
constexpr std::uint32_t kExponentLimit = 1'000'000;
constexpr std::uint32_t kSmallDigits = 18;  // 10^18 - 1 and its double fit in 63 bits
constexpr std::uint32_t kPairwise = 16;     // members that are compared each with each

constexpr bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::uint64_t load_64(const char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

std::uint32_t load_32(const char* at) {
  std::uint32_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

std::uint64_t mix(std::uint64_t word) {
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(word) * kOdd;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

std::uint32_t name_hash(std::string_view name) noexcept {
  const char* at = name.data();
  std::size_t left = name.size();
  std::uint64_t state = 0x51ed270b9d3c4a27 ^ left;
  std::uint64_t last = 0;
  if (left >= 8) {
    for (; left > 8; at += 8, left -= 8) state = mix(state ^ load_64(at));
    last = load_64(at + left - 8);
  } else if (left >= 4) {
    last = load_32(at) | static_cast<std::uint64_t>(load_32(at + left - 4)) << 32;
  } else if (left > 0) {
    last = static_cast<unsigned char>(at[0]) |
           static_cast<std::uint64_t>(static_cast<unsigned char>(at[left / 2])) << 8 |
           static_cast<std::uint64_t>(static_cast<unsigned char>(at[left - 1])) << 16;
  }
  return static_cast<std::uint32_t>(mix(state ^ last) >> 16);
}

struct Open {
  At at = 0;
  std::uint32_t count = 0;
  bool suspect = false;  // two names within may be the same
  // A bit for each hash that was seen, of 256.
  std::array<std::uint64_t, 4> seen{};
};

struct Text::Engine {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> parser;
  std::size_t capacity = 0;
  std::vector<Open> open;
  std::vector<At> names;  // of an object with many, sorted
};

Text::Text() = default;
Text::Text(Text&&) noexcept = default;
Text& Text::operator=(Text&&) noexcept = default;
Text::~Text() = default;

std::string_view Text::token(At at) const {
  const std::uint32_t begin = places_[at];
  std::uint32_t end = places_[at + 1];
  while (end > begin && is_space(text_[end - 1])) --end;
  return {text_ + begin, end - begin};
}

std::string_view Text::raw(At at) const {
  if (!is(at, Kind::kArray) && !is(at, Kind::kObject)) return token(at);
  return {text_ + places_[at], places_[after(at) - 1] + 1 - places_[at]};
}

std::string_view Text::unescaped(std::uint32_t offset) const {
  return {unescaped_.data() + offset + sizeof(std::uint32_t), load_32(&unescaped_[offset])};
}

// The walk over the tokens: a state machine, so that depth costs no stack.
class TextReader {
 public:
  TextReader(Text& text, const Bounds& bounds)
      : text_(text), bounds_(bounds), notes_(text.notes_.data()), open_(text.engine_->open) {}

  [[nodiscard]] Result<void> run(bool has_escapes) {
    has_escapes_ = has_escapes;
    if (walk()) return {};
    return refuse(code_, std::string(what_));
  }

 private:
  [[nodiscard]] bool no(std::string_view what, ErrorCode code = ErrorCode::kMalformedRequest) {
    what_ = what;
    code_ = code;
    return false;
  }
  [[nodiscard]] bool too_much(std::string_view what) {
    return no(what, ErrorCode::kContentTooLarge);
  }
  [[nodiscard]] bool malformed() { return no("JSON is malformed"); }

  [[nodiscard]] char byte() const { return text_.byte(at_); }

  // Reads values until the outermost has ended. Nothing is read behind the last token: where it
  // is one that needs more after it, the text of another token is compared and found wrong, and
  // where it closes more than it should, `at_` is looked at.
  [[nodiscard]] bool walk() {
    const char first = text_.byte(0);
    const char last = text_.byte(text_.tokens_ - 1);
    if ((first == '{' || first == '[') && last != '}' && last != ']') return malformed();
    while (true) {
      if (!value()) return false;
      if (descended_) continue;
      if (!close_all()) return false;
      if (depth_ == 0) break;
    }
    return at_ == text_.tokens_ || no("JSON has something after its value");
  }

  // Leaves `at_` behind the value, or before the first value within it (`descended_`).
  [[nodiscard]] bool value() {
    descended_ = false;
    switch (byte()) {
      case '"':
        return string(false);
      case '{':
        if (!open()) return false;
        if (byte() == '}') return true;
        descended_ = true;
        return name();
      case '[':
        if (!open()) return false;
        descended_ = byte() != ']';
        return true;
      case 't':
        return literal("true");
      case 'f':
        return literal("false");
      case 'n':
        return literal("null");
      default:
        return number();
    }
  }

  // After a value: closes what ends here, up to the comma before another value.
  [[nodiscard]] bool close_all() {
    while (depth_ > 0) {
      if (at_ >= text_.tokens_) return no("JSON ends too early");
      Open& top = open_[depth_ - 1];
      const bool object = text_.byte(top.at) == '{';
      const char c = byte();
      if (c == (object ? '}' : ']')) {
        if (top.at + 1 != at_) ++top.count;
        if (!close(top, object)) return false;
        ++at_;
        --depth_;
        continue;
      }
      if (c != ',' || top.at + 1 == at_) return malformed();
      ++top.count;
      ++at_;
      return !object || (byte() == '"' ? name() : malformed());
    }
    return true;
  }

  [[nodiscard]] bool open() {
    if (depth_ >= open_.size()) return too_much("JSON is nested deeper than its bound");
    Open& top = open_[depth_++];
    top.at = at_++;
    top.count = 0;
    top.suspect = false;
    top.seen = {};
    return at_ < text_.tokens_ || no("JSON ends too early");
  }

  [[nodiscard]] bool close(const Open& top, bool object) {
    notes_[top.at] = static_cast<std::uint64_t>(top.count) << 32 | at_;
    if (!object) return true;
    if (top.count > bounds_.properties) return too_much("JSON has an object with too many names");
    if (top.suspect && repeats_a_name(top)) return no("JSON has an object with a repeated name");
    return true;
  }

  // A name and its colon; leaves `at_` on the value.
  [[nodiscard]] bool name() {
    const At name = at_;
    if (byte() != '"' || !string(true)) return what_.empty() ? malformed() : false;
    if (at_ >= text_.tokens_ || byte() != ':') return malformed();
    ++at_;
    if (at_ >= text_.tokens_) return malformed();
    Open& top = open_[depth_ - 1];
    const std::uint32_t hash = text_.hash(name);
    std::uint64_t& word = top.seen[hash & 3];
    const std::uint64_t bit = std::uint64_t{1} << (hash >> 2 & 63);
    top.suspect |= (word & bit) != 0;
    word |= bit;
    return true;
  }

  // Exact, after the cheap test has found that it may be so. Many names are sorted rather than
  // hashed: whoever writes the text cannot choose the cost.
  [[nodiscard]] bool repeats_a_name(const Open& top) {
    std::vector<At>& names = text_.engine_->names;
    names.clear();
    At name = top.at + 1;
    for (std::uint32_t left = top.count; left > 0; --left) {
      names.push_back(name);
      // The last value is followed by the bracket whose note is being made: not asked for.
      if (left > 1) name = text_.after(name + 2) + 1;
    }
    const auto same = [this](At a, At b) {
      return text_.hash(a) == text_.hash(b) && text_.string(a) == text_.string(b);
    };
    if (names.size() <= kPairwise) {
      for (std::size_t i = 1; i < names.size(); ++i) {
        for (std::size_t k = 0; k < i; ++k) {
          if (same(names[i], names[k])) return true;
        }
      }
      return false;
    }
    std::ranges::sort(names, [this](At a, At b) {
      if (text_.hash(a) != text_.hash(b)) return text_.hash(a) < text_.hash(b);
      return text_.string(a) < text_.string(b);
    });
    return std::ranges::adjacent_find(names, same) != names.end();
  }

  [[nodiscard]] bool literal(std::string_view wanted) {
    if (text_.token(at_) != wanted) return malformed();
    ++at_;
    return true;
  }

  // RFC 8259 6. `-`? int frac? exp?
  [[nodiscard]] bool number() {
    const std::string_view whole = text_.token(at_);
    const char* at = whole.data();
    const char* const end = at + whole.size();
    const bool negative = at != end && *at == '-';
    if (negative) ++at;
    const char* const digits = at;
    std::uint64_t value = 0;  // wraps when there are many digits, and is not used then
    for (; at != end && is_digit(*at); ++at) value = value * 10 + static_cast<unsigned>(*at - '0');
    const auto count = static_cast<std::size_t>(at - digits);
    if (count == 0 || (count > 1 && *digits == '0')) return bad_number();
    if (at == end && count <= kSmallDigits) [[likely]] {
      const auto small = static_cast<std::int64_t>(value);
      notes_[at_++] = static_cast<std::uint64_t>(negative ? -small : small) << 1;
      return true;
    }
    if (whole.size() > bounds_.number_chars) return too_much("JSON has a number with many digits");
    notes_[at_] = 1;
    return fraction_and_exponent(at, end);
  }

  [[nodiscard]] bool fraction_and_exponent(const char* at, const char* end) {
    if (at != end && *at == '.') {
      const char* const digits = ++at;
      while (at != end && is_digit(*at)) ++at;
      if (at == digits) return bad_number();
    }
    if (at != end && (*at == 'e' || *at == 'E')) {
      ++at;
      if (at != end && (*at == '+' || *at == '-')) ++at;
      const char* const digits = at;
      std::uint32_t exponent = 0;
      for (; at != end && is_digit(*at); ++at) {
        exponent = exponent * 10 + static_cast<unsigned>(*at - '0');
        if (exponent > kExponentLimit) return too_much("JSON has a number with a great exponent");
      }
      if (at == digits) return bad_number();
    }
    if (at != end) return bad_number();
    ++at_;
    return true;
  }

  [[nodiscard]] bool bad_number() { return no("JSON has a malformed number or word"); }

  [[nodiscard]] bool string(bool is_name) {
    const std::string_view whole = text_.token(at_);
    if (whole.size() < 2 || whole.back() != '"') return no("JSON has a malformed string");
    const std::string_view raw = whole.substr(1, whole.size() - 2);
    if (raw.size() > bounds_.string_bytes) return too_much("JSON has a string beyond its bound");
    if (has_escapes_ && raw.contains('\\')) [[unlikely]]
      return escaped_string(raw, is_name);
    notes_[at_++] =
        raw.size() << 1 | (is_name ? static_cast<std::uint64_t>(name_hash(raw)) << 32 : 0);
    return true;
  }

  [[nodiscard]] bool escaped_string(std::string_view raw, bool is_name) {
    std::vector<char>& out = text_.unescaped_;
    const std::size_t at = out.size();
    out.resize(at + sizeof(std::uint32_t));
    if (!unescape(raw)) return false;
    const std::size_t begin = at + sizeof(std::uint32_t);
    const auto length = static_cast<std::uint32_t>(out.size() - begin);
    std::memcpy(&out[at], &length, sizeof length);
    const std::uint64_t hash = is_name ? name_hash({out.data() + begin, length}) : 0;
    notes_[at_++] = hash << 32 | at << 1 | 1;
    return true;
  }

  [[nodiscard]] bool unescape(std::string_view raw) {
    std::vector<char>& out = text_.unescaped_;
    for (std::size_t at = 0; at < raw.size();) {
      const std::size_t next = std::min(raw.find('\\', at), raw.size());
      out.insert(out.end(), raw.begin() + static_cast<std::ptrdiff_t>(at),
                 raw.begin() + static_cast<std::ptrdiff_t>(next));
      if (next == raw.size()) break;
      at = next + 2;
      if (at > raw.size()) return bad_escape();
      switch (raw[next + 1]) {
        case '"':
        case '\\':
        case '/':
          out.push_back(raw[next + 1]);
          break;
        case 'b':
          out.push_back('\b');
          break;
        case 'f':
          out.push_back('\f');
          break;
        case 'n':
          out.push_back('\n');
          break;
        case 'r':
          out.push_back('\r');
          break;
        case 't':
          out.push_back('\t');
          break;
        case 'u':
          if (!code_point(raw, at)) return false;
          break;
        default:
          return bad_escape();
      }
    }
    return true;
  }

  // The digits after `\u` at `at`, and the partner of a surrogate (RFC 8259 8.2 leaves one that
  // is alone unpredictable: refused).
  [[nodiscard]] bool code_point(std::string_view raw, std::size_t& at) {
    const int unit = code_unit(raw, at);
    if (unit < 0) return bad_escape();
    at += 4;
    auto point = static_cast<std::uint32_t>(unit);
    if (point >= 0xd800 && point <= 0xdfff) {
      const int partner = raw.substr(at, 2) == "\\u" ? code_unit(raw, at + 2) : -1;
      if (point >= 0xdc00 || partner < 0xdc00 || partner > 0xdfff) {
        return no("JSON has an escaped surrogate without its partner");
      }
      at += 6;
      point = 0x10000 + ((point - 0xd800) << 10) + (static_cast<std::uint32_t>(partner) - 0xdc00);
    }
    append(point);
    return true;
  }

  [[nodiscard]] static int code_unit(std::string_view raw, std::size_t at) {
    if (raw.size() < at + 4) return -1;
    int unit = 0;
    for (std::size_t i = at; i < at + 4; ++i) {
      const int digit = hex_digit(raw[i]);
      if (digit < 0) return -1;
      unit = unit * 16 + digit;
    }
    return unit;
  }

  void append(char32_t point) {
    char bytes[4];
    const std::size_t size = encode_utf8(point, bytes);
    text_.unescaped_.insert(text_.unescaped_.end(), bytes, bytes + size);
  }

  [[nodiscard]] bool bad_escape() { return no("JSON has a malformed escape in a string"); }

  Text& text_;
  const Bounds& bounds_;
  std::uint64_t* notes_;
  std::vector<Open>& open_;
  At at_ = 0;
  std::uint32_t depth_ = 0;
  bool descended_ = false;
  bool has_escapes_ = false;
  ErrorCode code_ = ErrorCode::kMalformedRequest;
  std::string_view what_;
};

namespace {

std::string_view explain(simdjson::error_code code) {
  switch (code) {
    case simdjson::UTF8_ERROR:
      return "JSON is not valid UTF-8";
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

Result<void> Text::read(std::string_view text, const Bounds& bounds) {
  if (text.size() > bounds.size || text.size() > INT32_MAX) {
    return refuse(ErrorCode::kContentTooLarge, "JSON is larger than its bound");
  }
  if (text.starts_with("\xEF\xBB\xBF")) {
    return refuse(ErrorCode::kMalformedRequest, "JSON begins with a byte order mark");
  }
  if (engine_ == nullptr) engine_ = std::make_unique<Engine>();
  Engine& engine = *engine_;
  if (engine.capacity < text.size() || engine.parser == nullptr) {
    const std::size_t capacity = std::max<std::size_t>({text.size(), engine.capacity * 2, 4096});
    // The depth is for simdjson's own second stage, which is not run.
    if (simdjson::get_active_implementation()->create_dom_parser_implementation(
            capacity, 1, engine.parser) != simdjson::SUCCESS) {
      return fail(ErrorCode::kMachine, "no memory for a JSON parser");
    }
    engine.capacity = capacity;
  }
  const std::uint32_t depth = std::min(bounds.depth, kDepthLimit);
  if (engine.open.size() != depth) engine.open.resize(depth);
  const simdjson::error_code code =
      engine.parser->stage1(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
                            simdjson::stage1_mode::regular);
  if (code != simdjson::SUCCESS) {
    return refuse(ErrorCode::kMalformedRequest, std::string(explain(code)));
  }
  text_ = text.data();
  places_ = engine.parser->structural_indexes.get();
  tokens_ = engine.parser->n_structural_indexes;
  if (notes_.size() < tokens_) notes_.resize(std::max<std::size_t>(tokens_, notes_.size() * 2));
  unescaped_.clear();
  return TextReader(*this, bounds).run(text.contains('\\'));
}

}  // namespace portcullis::schema
