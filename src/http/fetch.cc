#include "http/fetch.h"

#include "http/client.h"
#include "http/head.h"
#include "http/head_writer.h"

#include <charconv>

namespace portcullis::http {
namespace {

Error as_fetch_error(Error error) {
  if (error.code == ErrorCode::kTimeout) error.code = ErrorCode::kUpstreamTimeout;
  if (error.code == ErrorCode::kClosed) error.code = ErrorCode::kUpstreamBroken;
  error.source = ErrorSource::kUpstream;
  return error;
}

Task<Result<std::unique_ptr<runtime::Stream>>> open(Loop& loop, runtime::Resolver& resolver,
                                                    const runtime::TlsClientContext& tls,
                                                    const Url& url, TimePoint deadline) {
  PC_CO_TRY(const runtime::Resolver::Addresses addresses,
            co_await resolver.resolve(url.host, deadline));
  Error last;
  for (const IpAddress& address : *addresses) {
    Result<std::unique_ptr<runtime::Stream>> stream =
        co_await runtime::Stream::connect(loop, {address, url.port}, deadline);
    if (!stream) {
      last = std::move(stream).error();
      continue;
    }
    if (url.scheme == Scheme::kHttps)
      PC_CO_CHECK(co_await (*stream)->connect_tls(tls, url.host, deadline));
    co_return std::move(stream);
  }
  co_return std::unexpected(std::move(last));
}

Task<Result<std::string>> get(ClientConnection& connection, const Url& url, std::size_t most_bytes,
                              TimePoint deadline) {
  HeadWriter head(connection.stream().loop().buffers());
  head.put("GET ").put(url.target).put(" HTTP/1.1\r\n");
  head.field("host", url.authority)
      .field("accept", "application/json")
      .field("connection", "close")
      .put("\r\n");
  iovec part{const_cast<char*>(head.text().data()), head.text().size()};
  PC_CO_CHECK(co_await connection.stream().write(std::span(&part, 1), deadline));
  connection.begin();
  int status = 0;
  do {
    Arena arena;
    Response response(arena);
    PC_CO_CHECK(co_await connection.read_head(Method::kGet, response, deadline));
    status = response.status;
  } while (status < 200);
  if (status != 200) {
    co_return fail(ErrorCode::kUpstreamBroken, "answered with status " + std::to_string(status),
                   ErrorSource::kUpstream);
  }
  std::string body;
  for (;;) {
    PC_CO_TRY(const std::string_view piece, co_await connection.read_body(deadline));
    if (piece.empty()) co_return body;
    if (body.size() + piece.size() > most_bytes) {
      co_return fail(ErrorCode::kUpstreamBroken, "answered with too large a body",
                     ErrorSource::kUpstream);
    }
    body += piece;
  }
}

}  // namespace

std::optional<Url> parse_url(std::string_view text) {
  Url url;
  if (text.starts_with("http://")) {
    url.scheme = Scheme::kHttp;
    url.port = 80;
    text.remove_prefix(7);
  } else if (text.starts_with("https://")) {
    text.remove_prefix(8);
  } else {
    return std::nullopt;
  }
  const std::size_t end = text.find_first_of("/?#");
  Arena arena;
  const auto authority = parse_authority(text.substr(0, end), arena);
  if (!authority || text.contains('#')) return std::nullopt;
  url.authority = authority->whole;
  url.host = authority->host;
  if (url.host.front() == '[') url.host = url.host.substr(1, url.host.size() - 2);
  if (const std::string_view port = authority->whole.substr(authority->host.size());
      port.size() > 1) {
    std::from_chars(port.data() + 1, port.data() + port.size(), url.port);
  }
  url.target = end == std::string_view::npos ? "" : text.substr(end);
  if (url.target.empty() || url.target.front() != '/') url.target.insert(0, "/");
  const std::string_view target = url.target;
  const std::size_t question = target.find('?');
  if (!canonical_path(target.substr(0, question), {}, arena)) return std::nullopt;
  if (question != std::string_view::npos && !check_query(target.substr(question + 1)))
    return std::nullopt;
  return url;
}

Task<Result<std::string>> fetch(Loop& loop, runtime::Resolver& resolver,
                                const runtime::TlsClientContext& tls, Url url,
                                std::size_t most_bytes, TimePoint deadline) {
  auto stream = co_await open(loop, resolver, tls, url, deadline);
  if (!stream) co_return std::unexpected(as_fetch_error(std::move(stream).error()));
  ClientConnection connection(*std::move(stream));
  auto body = co_await get(connection, url, most_bytes, deadline);
  if (!body) co_return std::unexpected(as_fetch_error(std::move(body).error()));
  co_return std::move(*body);
}

}  // namespace portcullis::http
