// `/bans` of the admin listener: the bans as JSON, and what is asked of them. What reads and writes
// text is here; who may ask is admin.cc's.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "http/message.h"
#include "overload/bans.h"

#include <functional>
#include <string>
#include <string_view>

namespace portcullis::admin {

// Whose bans; null: there are none to be seen.
struct BanSource {
  overload::Bans* bans = nullptr;
  std::function<const overload::BanRules&()> rules;
  std::function<void(const overload::Ban&)> tell;  // of one that was added by hand
};

inline constexpr std::size_t kMostBanText = 4096;  // bytes of a body

// `{"bans":[{"address":"203.0.113.9","reason":"malformed","strikes":1,"lasts_seconds":60,
// "remaining_seconds":42,"until":"2026-11-24T06:33:00.123Z"}, …]}`
[[nodiscard]] std::string list_bans(const BanSource& source, TimePoint now, WallTime wall);

// Of `{"address":"203.0.113.9","for":"1h"}`, or `key` in place of `address`: the ban, as above.
// Errors: kMalformedRequest, kForbidden, kUnavailable.
[[nodiscard]] Result<std::string> add_ban(const BanSource& source, std::string_view json,
                                          TimePoint now, WallTime wall);

// Of the query `address=203.0.113.9` or `key=machine%7Cnightly`. Errors: kMalformedRequest,
// kNotFound.
[[nodiscard]] Result<void> remove_ban(const BanSource& source, std::string_view query,
                                      TimePoint now);

}  // namespace portcullis::admin
