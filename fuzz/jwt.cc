// Any bytes as a token, as a token's header and claims, and as a key set: read without harm, and
// never accepted, since no key signed them.

#include "jose/jwt.h"

#include "base/check.h"
#include "base/encoding.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace jose = portcullis::jose;

namespace {

const jose::KeySet& keys() {
  // RFC 8037 A.2
  static const jose::KeySet set =
      jose::KeySet::parse(
          R"({"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})")
          .value();
  return set;
}

void check(std::string_view token) {
  static const jose::JwtRules rules = [] {
    jose::JwtRules made;
    made.issuer = "i";
    made.audiences = {"a"};
    made.algorithms = jose::AlgorithmSet::all();
    made.roles = jose::ClaimPath("r.r");
    made.scopes = jose::ClaimPath("scope");
    made.claims = {{"c", jose::ClaimPath("c")}};
    return made;
  }();
  const portcullis::WallTime now{std::chrono::seconds(1'800'000'000)};
  PC_CHECK(!jose::verify_token(token, keys(), rules, now));
  // The claims are read behind the signature; here they are reached without one.
  if (const auto parsed = jose::parse_token(token)) {
    const auto verified = jose::check_claims(*parsed, rules, now);
    PC_CHECK(!verified || !verified->subject.empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check(text);
  const std::size_t split = text.find('\n');
  const std::string header(text.substr(0, split));
  const std::string claims(split == std::string_view::npos ? "" : text.substr(split + 1));
  check(portcullis::encode_base64url(header) + "." + portcullis::encode_base64url(claims) +
        ".c2ln");
  static_cast<void>(jose::KeySet::parse(text));
  return 0;
}
