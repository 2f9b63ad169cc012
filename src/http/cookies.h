// The Cookie field (RFC 6265 4.2.1), read strictly: servers disagree about everything beyond its
// grammar, and a cookie that carries a credential must mean the same to all of them.
#pragma once

#include <optional>
#include <string_view>

namespace portcullis::http {

struct Cookie {
  std::string_view name;
  std::string_view value;  // with its quotes, where it has some: they are part of it
};

// cookie-pair *( ";" SP cookie-pair ), one after another.
class CookieReader {
 public:
  explicit CookieReader(std::string_view field) : rest_(field) {}

  // Nothing at the end, and where the grammar is broken; well_formed() tells the two apart.
  std::optional<Cookie> next();
  [[nodiscard]] bool well_formed() const { return well_formed_; }

 private:
  std::string_view rest_;
  bool first_ = true;
  bool well_formed_ = true;
};

// Pieces of a Cookie field between semicolons, whatever the grammar says: for taking a cookie out,
// where it is better to see one too many than one too few.
struct CookiePiece {
  std::string_view text;  // without spaces around it
  std::string_view name;  // what stands before `=`
};
class CookiePieces {
 public:
  explicit CookiePieces(std::string_view field) : rest_(field), more_(true) {}
  std::optional<CookiePiece> next();

 private:
  std::string_view rest_;
  bool more_;
};

}  // namespace portcullis::http
