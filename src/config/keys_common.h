// What several parts of the table of keys need. For them alone.
#pragma once

#include <cstdint>
#include <string_view>

namespace portcullis::config {

inline constexpr std::uint64_t kSecond = 1000;
inline constexpr std::uint64_t kMinute = 60 * kSecond;
inline constexpr std::uint64_t kHour = 60 * kMinute;
inline constexpr std::uint64_t kDay = 24 * kHour;
inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;

inline constexpr std::string_view kProtocols[] = {"http/1.1", "h2"};

}  // namespace portcullis::config
