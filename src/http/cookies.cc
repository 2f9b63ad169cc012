#include "http/cookies.h"

#include "base/ascii.h"

#include <algorithm>

namespace portcullis::http {
namespace {

// RFC 9110 5.6.2
bool is_token_octet(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").contains(c);
}

// RFC 6265 4.1.1: cookie-octet
bool is_cookie_octet(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return octet > 0x20 && octet < 0x7f && c != '"' && c != ',' && c != ';' && c != '\\';
}

bool is_cookie_value(std::string_view text) {
  if (text.size() >= 2 && text.starts_with('"') && text.ends_with('"'))
    text = text.substr(1, text.size() - 2);
  return std::ranges::all_of(text, is_cookie_octet);
}

}  // namespace

std::optional<Cookie> CookieReader::next() {
  if (rest_.empty() || !well_formed_) {
    // An empty field holds no pair, which the grammar wants one of.
    well_formed_ = well_formed_ && !first_;
    return std::nullopt;
  }
  well_formed_ = false;
  if (!first_) {
    if (!rest_.starts_with("; ")) return std::nullopt;
    rest_.remove_prefix(2);
  }
  first_ = false;
  const std::string_view pair = rest_.substr(0, rest_.find(';'));
  const std::size_t equals = pair.find('=');
  if (equals == 0 || equals == std::string_view::npos) return std::nullopt;
  const Cookie cookie{pair.substr(0, equals), pair.substr(equals + 1)};
  if (!std::ranges::all_of(cookie.name, is_token_octet) || !is_cookie_value(cookie.value))
    return std::nullopt;
  rest_.remove_prefix(pair.size());
  well_formed_ = true;
  return cookie;
}

std::optional<CookiePiece> CookiePieces::next() {
  if (!more_) return std::nullopt;
  const std::size_t end = rest_.find(';');
  CookiePiece piece;
  piece.text = trim(rest_.substr(0, end));
  piece.name = trim(piece.text.substr(0, piece.text.find('=')));
  more_ = end != std::string_view::npos;
  if (more_) rest_.remove_prefix(end + 1);
  return piece;
}

}  // namespace portcullis::http
