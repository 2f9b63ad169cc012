// GET of one small document, for what the gateway itself must know: the keys of an issuer.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "http/message.h"
#include "runtime/resolver.h"
#include "runtime/task.h"
#include "runtime/tls.h"

#include <optional>
#include <string>
#include <string_view>

namespace portcullis::http {

struct Url {
  Scheme scheme = Scheme::kHttps;
  std::string host;       // without brackets
  std::string authority;  // as Host says it
  std::uint16_t port = 443;
  std::string target;  // origin-form
};

// `http://` and `https://` without userinfo or fragment.
[[nodiscard]] std::optional<Url> parse_url(std::string_view text);

// The body of a 200 answer of at most `most_bytes`; redirects are not followed. Errors:
// kUpstreamUnreachable, kUpstreamBroken, kUpstreamTimeout, each with a detail that may be logged.
Task<Result<std::string>> fetch(Loop& loop, runtime::Resolver& resolver,
                                const runtime::TlsClientContext& tls, Url url,
                                std::size_t most_bytes, TimePoint deadline);

}  // namespace portcullis::http
