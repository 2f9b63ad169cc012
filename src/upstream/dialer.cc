#include "upstream/dialer.h"

#include "base/check.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace portcullis::upstream {
namespace {

constexpr std::string_view kUnix = "unix:";

std::string host_of(std::string_view target) {
  if (target.starts_with(kUnix)) return {};
  std::string_view host = target.substr(0, target.rfind(':'));
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  return std::string(host);
}

}  // namespace

Dialer::Dialer(Loop& loop, runtime::Resolver& resolver, const config::Upstream& config,
               const std::string& target, Standing& standing,
               std::shared_ptr<const runtime::TlsClientContext> tls)
    : loop_(loop),
      resolver_(resolver),
      standing_(standing),
      name_(target),
      http2_(config.protocol == config::UpstreamProtocol::kHttp2),
      host_(host_of(target)),
      policy_(host_, config.allow_addresses),
      tls_(std::move(tls)) {
  PC_CHECK(config.tls.has_value() == (tls_ != nullptr));
  if (config.tls) {
    server_name_ = config.tls->server_name.empty() ? host_ : config.tls->server_name;
    resumption_ = std::make_shared<runtime::TlsResumption>();
  }
  if (config.proxy_protocol == config::ProxyProtocol::kV1)
    proxy_protocol_ = http::ProxyVersion::kV1;
  else if (config.proxy_protocol == config::ProxyProtocol::kV2)
    proxy_protocol_ = http::ProxyVersion::kV2;
  if (name_.starts_with(kUnix)) {
    path_ = name_.substr(kUnix.size());
    return;
  }
  const std::size_t colon = name_.rfind(':');
  std::from_chars(name_.data() + colon + 1, name_.data() + name_.size(), port_);
  // What is written as an address is meant, whatever it is.
  if (const auto literal = IpAddress::parse(host_)) {
    literal_ = true;
    addresses_.push_back(*literal);
  }
}

std::string Dialer::authority() const { return path_.empty() ? name_ : "localhost"; }

Error Dialer::named(Error error) const {
  error.detail = name_ + ": " + error.detail;
  return error;
}

Task<Result<std::unique_ptr<runtime::Stream>>> Dialer::open(
    TimePoint deadline, const std::optional<http::ProxyHeader::Ends>& ends) {
  PC_CO_TRY(std::unique_ptr<runtime::Stream> stream, co_await open_socket(deadline));
  if (proxy_protocol_) {
    std::string header = http::write_proxy_header(*proxy_protocol_, ends);
    iovec part{header.data(), header.size()};
    const Result<std::size_t> sent = co_await stream->write(std::span(&part, 1), deadline);
    if (!sent) co_return std::unexpected(named(sent.error()));
  }
  if (tls_ != nullptr) {
    const Result<void> secured =
        co_await stream->connect_tls(*tls_, server_name_, deadline, resumption_);
    if (!secured) co_return std::unexpected(named(secured.error()));
    if (http2_ && stream->tls()->protocol() != "h2") {
      co_return std::unexpected(
          named({ErrorCode::kUpstreamBroken,
                 ErrorSource::kUpstream,
                 "does not choose h2 (ALPN): it does not speak HTTP/2 over TLS",
                 {}}));
    }
  }
  co_return stream;
}

Task<Result<std::shared_ptr<http2::ClientSession>>> Dialer::open_session(TimePoint deadline,
                                                                         TaskGroup& tasks) {
  PC_CO_TRY(std::unique_ptr<runtime::Stream> stream, co_await open(deadline, std::nullopt));
  auto session = std::make_shared<http2::ClientSession>(std::move(stream));
  tasks.spawn(http2::ClientSession::run(session));
  const Result<void> ready = co_await session->ready(deadline);
  if (!ready) {
    session->close("not used");
    co_return std::unexpected(named(ready.error()));
  }
  co_return session;
}

Task<Result<std::unique_ptr<runtime::Stream>>> Dialer::open_socket(TimePoint deadline) {
  if (!path_.empty()) {
    Result<std::unique_ptr<runtime::Stream>> stream =
        co_await runtime::Stream::connect_unix(loop_, path_, deadline);
    if (!stream) co_return std::unexpected(named(std::move(stream).error()));
    co_return stream;
  }
  PC_CO_CHECK(co_await resolve(deadline));
  // A name may have an address that nobody answers at (`localhost` of a server without IPv6): each
  // is tried. A copy, since another request may resolve the name anew.
  const std::vector<IpAddress> addresses = addresses_;
  const std::size_t first = next_address_++;
  Error last;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const IpAddress address = addresses[(first + i) % addresses.size()];
    Result<std::unique_ptr<runtime::Stream>> stream =
        co_await runtime::Stream::connect(loop_, {address, port_}, deadline);
    if (stream) co_return stream;
    last = named(std::move(stream).error());
    if (last.code == ErrorCode::kTimeout) break;  // the time was that of all
  }
  co_return std::unexpected(std::move(last));
}

Task<Result<void>> Dialer::resolve(TimePoint deadline) {
  if (literal_) co_return Result<void>{};
  const Result<runtime::Resolver::Addresses> answer = co_await resolver_.resolve(host_, deadline);
  if (answer)
    take(*answer);
  else if (addresses_.empty())
    co_return std::unexpected(answer.error());
  if (addresses_.empty())
    co_return fail(ErrorCode::kUpstreamUnreachable, objection_, ErrorSource::kUpstream);
  co_return Result<void>{};
}

// Of an answer that may not be used at all, nothing is: the last one that could be stands.
bool Dialer::take(const runtime::Resolver::Addresses& answer) {
  if (answer == answer_) return false;
  answer_ = answer;
  std::vector<IpAddress> usable;
  for (const IpAddress& address : *answer) {
    const std::string_view objection = policy_.objection(address);
    if (objection.empty()) {
      usable.push_back(address);
      continue;
    }
    objection_ = "name `" + host_ + "` leads to " + address.to_string() + ", " +
                 std::string(objection) + ": `allow_addresses` says what it may";
    standing_.address_refused(objection_);
  }
  if (usable.empty() || usable == addresses_) return false;
  addresses_ = std::move(usable);
  return true;
}

bool Dialer::refresh() {
  if (literal_ || !path_.empty()) return false;
  const runtime::Resolver::Addresses answer = resolver_.known(host_);
  return answer != nullptr && take(answer);
}

bool Dialer::leads_to(const IpAddress& address) const {
  return literal_ || !path_.empty() || std::ranges::find(addresses_, address) != addresses_.end();
}

}  // namespace portcullis::upstream
