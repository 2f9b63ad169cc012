// Where a key is found in a request it can be taken out, and what goes on then has none.
#include "authn/key_places.h"
#include "base/check.h"
#include "http/cookies.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

using namespace portcullis;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  authn::KeyPlaces places;
  places.add({authn::KeyPlace::Kind::kCookie, "key"});
  places.add({authn::KeyPlace::Kind::kParameter, "api_key"});
  const std::size_t line = text.find('\n');
  Arena arena;
  http::Request request(arena);
  request.query = text.substr(0, line);
  request.has_query = true;
  if (line != std::string_view::npos) request.fields.add("cookie", text.substr(line + 1));
  const auto found = places.find(request);

  http::Request after(arena);
  after.query = authn::without_parameters(request.query, {"api_key"}, arena);
  after.has_query = true;
  const auto left = places.find(after);
  PC_CHECK(left.has_value() && !*left);

  // A key that was found in a cookie is one of the pieces that are taken out.
  if (!found) return 0;
  const std::optional<authn::PresentedKey>& key = *found;
  if (key && key->place->kind == authn::KeyPlace::Kind::kCookie) {
    bool seen = false;
    http::CookiePieces pieces(text.substr(line + 1));
    while (const auto piece = pieces.next()) seen = seen || piece->name == "key";
    PC_CHECK(seen);
  }
  return 0;
}
