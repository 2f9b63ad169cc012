#include "coding/accept.h"

#include "base/ascii.h"

#include <algorithm>

namespace portcullis::coding {
namespace {

constexpr std::uint16_t kOne = 1000;

// qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ) in thousandths; 0 for anything else.
std::uint16_t parse_qvalue(std::string_view text) {
  if (text.empty() || text.size() > 5) return 0;
  if (text.size() > 1 && text[1] != '.') return 0;
  unsigned thousandths = 0;
  unsigned digit_worth = 100;
  for (const char c : text.substr(std::min<std::size_t>(text.size(), 2))) {
    if (c < '0' || c > '9') return 0;
    thousandths += static_cast<unsigned>(c - '0') * digit_worth;
    digit_worth /= 10;
  }
  if (text[0] == '1') return thousandths == 0 ? kOne : std::uint16_t{0};
  return text[0] == '0' ? static_cast<std::uint16_t>(thousandths) : std::uint16_t{0};
}

// weight = OWS ";" OWS "q=" qvalue. `text` is what stands behind the coding's name.
std::uint16_t parse_weight(std::string_view text) {
  if (text.empty()) return kOne;
  text = trim(text.substr(1));
  if (text.size() < 2 || to_lower(text[0]) != 'q' || text[1] != '=') return 0;
  return parse_qvalue(text.substr(2));
}

}  // namespace

void AcceptEncoding::add(std::string_view value) noexcept {
  while (!value.empty()) {
    const std::size_t comma = std::min(value.find(','), value.size());
    const std::string_view element = trim(value.substr(0, comma));
    value.remove_prefix(std::min(comma + 1, value.size()));
    const std::size_t semicolon = std::min(element.find(';'), element.size());
    const std::string_view name = trim(element.substr(0, semicolon));
    const std::uint16_t weight = parse_weight(element.substr(semicolon));
    if (name == "*") {
      any_ = std::min(any_, weight);
    } else if (const std::optional<Coding> coding = find_coding(name)) {
      std::uint16_t& known = named_[static_cast<std::size_t>(*coding)];
      known = std::min(known, weight);
    }
  }
}

unsigned AcceptEncoding::weight(Coding coding) const noexcept {
  const std::uint16_t named = named_[static_cast<std::size_t>(coding)];
  if (named != kUnsaid) return named;
  return any_ != kUnsaid ? any_ : 0;
}

Coding AcceptEncoding::choose(std::span<const Coding> offered) const noexcept {
  Coding best = Coding::kIdentity;
  unsigned most = 0;
  for (const Coding coding : offered) {
    const unsigned its = weight(coding);
    if (its <= most) continue;
    best = coding;
    most = its;
  }
  // `*` says nothing of what the client likes better; its own word for identity does.
  const std::uint16_t plain = named_[static_cast<std::size_t>(Coding::kIdentity)];
  return plain != kUnsaid && plain > most ? Coding::kIdentity : best;
}

}  // namespace portcullis::coding
