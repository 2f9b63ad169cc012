// The way of a connection, from the door to its last request.
#include "gateway/listening.h"
#include "http/receive_proxy_header.h"
#include "runtime/socket_address.h"

namespace portcullis::gateway {

// `peer` is looked at before the first wait.
Task<void> Listening::run_connection(std::shared_ptr<Listening> self, int fd,
                                     const IpEndpoint& peer) {
  Listening& here = *self;
  Reception& reception = here.reception_;
  Connection connection(here, here.room_, reception.loop, fd, peer);
  const auto place = reception.connections.insert(reception.connections.end(), &connection);
  const std::shared_ptr<ConnectionCounts> counts = here.counts_;
  if (here.local_wanted_) connection.info.local = runtime::SocketAddress::of_socket(fd);
  here.shard().up(here.open_);
  const bool tls = here.tls_ != nullptr;
  if (tls) ++reception.secured;
  if (co_await here.learn_peer(connection) && co_await here.secure(connection)) {
    co_await (connection.info.http2
                  ? http2::serve(connection.stream, here, connection.info, connection)
                  : http::serve_http1(connection.stream, here, connection.info, connection));
  }
  if (tls) --reception.secured;
  here.shard().down(here.open_);
  if (connection.of_address) counts->close_from(connection.info.peer.address);
  if (connection.of_listener) counts->close();
  if (connection.of_process) reception.services.guard.connections.close();
  reception.connections.erase(place);
}

// Whose connection it is: its peer's, or where a PROXY header must come first, whose that says.
[[gnu::noinline]] Task<bool> Listening::learn_peer(Connection& connection) {
  connection.of_address = proxies_.empty();
  if (connection.of_address) co_return true;
  const TimePoint deadline = reception_.loop.now() + settings_.head_timeout;
  const Result<http::ProxyHeader> header =
      co_await http::receive_proxy_header(connection.stream, deadline);
  if (!header) {
    const ErrorCode code = header.error().code;
    shard().add(unproxied_.of(code == ErrorCode::kMalformedRequest ? "malformed"
                              : code == ErrorCode::kTimeout        ? "timeout"
                                                                   : "closed"));
    co_return false;
  }
  if (const std::optional<http::ProxyHeader::Ends>& ends = header->ends; ends) {
    connection.info.peer = ends->source;
    connection.info.local = ends->destination;
  }
  const IpAddress& client = connection.info.peer.address;
  const std::optional<TurnedAway> why = admit_address(client);
  connection.of_address = !why;
  if (why) counts_of_accept_.turned_away(*why, client, reception_.loop.now());
  co_return !why;
}

// In clear text, the client speaks what it begins with.
[[gnu::noinline]] Task<bool> Listening::choose_protocol(Connection& connection) {
  using config::Protocol;
  connection.info.http2 = speaks(Protocol::kH2);
  if (connection.info.http2 && speaks(Protocol::kHttp11)) {
    const Result<bool> http2 = co_await http2::begins_with_preface(connection.stream, settings_);
    if (!http2) co_return false;
    connection.info.http2 = *http2;
  }
  co_return true;
}

// TLS, where the listener has it, and what is spoken behind. Its frame goes before the first
// request comes.
[[gnu::noinline]] Task<bool> Listening::secure(Connection& connection) {
  const std::shared_ptr<const runtime::TlsServerContext> tls = tls_;
  if (tls == nullptr) co_return co_await choose_protocol(connection);
  const TimePoint deadline =
      reception_.loop.now() + limits_.handshake_timeout.value_or(limits_.head_timeout);
  const Result<void> secured = co_await connection.stream.accept_tls(*tls, deadline);
  if (!secured) {
    on_failed_handshake(connection, secured.error());
    co_return false;
  }
  const runtime::TlsSession& session = *connection.stream.tls();
  connection.certificate = session.client_certificate(*tls);
  connection.info.certificate = connection.certificate.get();
  connection.info.scheme = http::Scheme::kHttps;
  connection.info.tls_version = session.version();
  connection.info.http2 = session.protocol() == "h2";
  // Who chose nothing speaks HTTP/1.1.
  co_return connection.info.http2 || speaks(config::Protocol::kHttp11);
}

}  // namespace portcullis::gateway
