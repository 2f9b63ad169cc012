// PC_CHECK: an invariant of ours, tested in every build. Never for input.
#pragma once

#include <cstdio>
#include <cstdlib>

#define PC_CHECK(condition)                                                                  \
  do {                                                                                       \
    if (!(condition)) [[unlikely]] {                                                         \
      std::fprintf(stderr, "%s:%d: invariant broken: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                          \
    }                                                                                        \
  } while (false)
