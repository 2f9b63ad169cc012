#include "upstream/dialer.h"

#include <charconv>
#include <utility>

namespace portcullis::upstream {
namespace {

// How long a name's addresses are used before it is asked for again.
constexpr std::chrono::seconds kResolveEvery{10};

}  // namespace

Dialer::Dialer(Loop& loop, runtime::Resolver& resolver, const config::Upstream&,
               const std::string& target)
    : loop_(loop), resolver_(resolver), name_(target) {
  const std::size_t colon = name_.rfind(':');
  host_ = name_.substr(0, colon);
  if (host_.size() > 2 && host_.front() == '[') host_ = host_.substr(1, host_.size() - 2);
  std::from_chars(name_.data() + colon + 1, name_.data() + name_.size(), port_);
  if (const auto literal = IpAddress::parse(host_)) {
    addresses_.push_back(*literal);
    resolved_ = kNoDeadline;
  }
}

Task<Result<std::unique_ptr<runtime::Stream>>> Dialer::open(TimePoint deadline) {
  PC_CO_CHECK(co_await resolve());
  // A name may have an address that nobody answers at (`localhost` of a server without IPv6): each
  // is tried. A copy, since another request may resolve the name anew.
  const std::vector<IpAddress> addresses = addresses_;
  const std::size_t first = next_address_++;
  Error last;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const IpAddress address = addresses[(first + i) % addresses.size()];
    Result<std::unique_ptr<runtime::Stream>> stream =
        co_await runtime::Stream::connect(loop_, {address, port_}, deadline);
    if (stream) co_return std::move(*stream);
    last = std::move(stream).error();
    last.detail = name_ + ": " + last.detail;
  }
  co_return std::unexpected(std::move(last));
}

// Keeps the last good answer when the name cannot be resolved again.
Task<Result<void>> Dialer::resolve() {
  // A literal is never asked for; nothing may be added to its time, the last that there is.
  if (resolved_ == kNoDeadline) co_return Result<void>{};
  if (!addresses_.empty() && loop_.now() < resolved_ + kResolveEvery) co_return Result<void>{};
  Result<std::vector<IpAddress>> addresses = co_await resolver_.resolve(host_);
  if (addresses) {
    addresses_ = std::move(*addresses);
  } else if (addresses_.empty()) {
    co_return std::unexpected(std::move(addresses).error());
  }
  resolved_ = loop_.now();
  co_return Result<void>{};
}

}  // namespace portcullis::upstream
