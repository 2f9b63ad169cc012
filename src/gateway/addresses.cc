#include "gateway/addresses.h"

#include <algorithm>

namespace portcullis::gateway {
namespace {

std::uint32_t four_octets(const IpAddress& address) {
  std::uint32_t value = 0;
  for (std::size_t i = 12; i < 16; ++i) value = value << 8U | address.bytes[i];
  return value;
}

// Sorts, and makes one range of those that overlap.
template <typename Range>
void merge(std::vector<Range>& ranges) {
  std::ranges::sort(ranges, {}, &Range::first);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    if (kept > 0 && ranges[i].first <= ranges[kept - 1].last)
      ranges[kept - 1].last = std::max(ranges[kept - 1].last, ranges[i].last);
    else
      ranges[kept++] = ranges[i];
  }
  ranges.resize(kept);
  ranges.shrink_to_fit();
}

template <typename Range, typename Address>
bool holds(const std::vector<Range>& ranges, const Address& address) {
  const auto after = std::ranges::upper_bound(ranges, address, {}, &Range::first);
  return after != ranges.begin() && address <= std::prev(after)->last;
}

}  // namespace

AddressSet::AddressSet(std::span<const Cidr> networks) {
  for (const Cidr& network : networks) {
    if (network.address.is_v4()) {
      const std::uint32_t first = four_octets(network.address);
      const std::uint32_t within = network.bits == 0 ? ~0U : (1U << (32U - network.bits)) - 1;
      four_.push_back({first, first | within});
      continue;
    }
    Bytes last = network.address.bytes;
    for (unsigned bit = network.bits; bit < 128; ++bit)
      last[bit / 8] = static_cast<std::uint8_t>(last[bit / 8] | (0x80U >> (bit % 8)));
    six_.push_back({network.address.bytes, last});
  }
  merge(four_);
  merge(six_);
}

bool AddressSet::contains(const IpAddress& address) const {
  return address.is_v4() ? holds(four_, four_octets(address)) : holds(six_, address.bytes);
}

AddressRule::AddressRule(const config::AddressLists& lists, std::string key)
    : key_(std::move(key)), deny_(lists.deny) {
  if (lists.allow) allow_.emplace(*lists.allow);
}

Result<void> AddressRule::check(const IpAddress& client) const {
  if (deny_.contains(client))
    return refuse(ErrorCode::kAddressNotAllowed, "the client's address is denied", key_ + ".deny");
  if (allow_ && !allow_->contains(client))
    return refuse(ErrorCode::kAddressNotAllowed, "the client's address is not among those allowed",
                  key_ + ".allow");
  return {};
}

}  // namespace portcullis::gateway
