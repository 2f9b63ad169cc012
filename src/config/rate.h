// A number of things for a time, as `200/s` says it.
#pragma once

#include <chrono>
#include <cstdint>

namespace portcullis::config {

struct Rate {
  std::uint64_t count = 0;
  std::chrono::milliseconds per{0};
};

}  // namespace portcullis::config
