// RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-11, a work in progress) and
// Retry-After (RFC 9110 10.2.3).
#pragma once

#include "config/config.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace portcullis::ratelimit {

struct Verdict;

inline constexpr std::string_view kRateLimitField = "ratelimit";
inline constexpr std::string_view kRateLimitPolicyField = "ratelimit-policy";
inline constexpr std::string_view kRetryAfterField = "retry-after";

// Bytes that rate_limit_value() needs beside the limit's quoted_name, and all that
// retry_after_value() needs.
inline constexpr std::size_t kFieldRoom = 48;

// A String of structured fields (RFC 9651 3.3.3), with its quotes. What it cannot hold becomes `_`.
[[nodiscard]] std::string quote_field_string(std::string_view text);

// The item of RateLimit-Policy: `"flood";q=400;w=2`, where q is the burst and w the seconds in
// which an empty bucket fills. A bucket that fills in less than a second is described by what one
// second gives, since windows are whole seconds.
[[nodiscard]] std::string policy_item(std::string_view quoted_name, const config::Rate& rate,
                                      std::uint64_t burst);

// The value of RateLimit-Policy; empty when no limit was asked. Lives as long as the limiter.
[[nodiscard]] std::string_view policy_value(const Verdict& verdict);

// The value of RateLimit, written into `buffer` without allocation: `"flood";r=398;t=1`. With
// requests remaining, t is when the bucket is full again; with none, when the next is allowed, so
// that it never lies after Retry-After (draft 6). Empty when no limit was asked, or there is no
// room.
[[nodiscard]] std::string_view rate_limit_value(const Verdict& verdict, std::span<char> buffer);

// The value of Retry-After: whole seconds, rounded up, at least 1. Empty when the request was
// allowed.
[[nodiscard]] std::string_view retry_after_value(const Verdict& verdict, std::span<char> buffer);

}  // namespace portcullis::ratelimit
