// What all workers, and all configurations one after the other, share against too much of anything.
#pragma once

#include "overload/bans.h"
#include "overload/gate.h"
#include "overload/memory.h"

namespace portcullis::gateway {

struct Guard {
  explicit Guard(TimePoint start) : bans(start) {}
  overload::Bans bans;
  overload::Gates gates;
  overload::Memory memory;
};

}  // namespace portcullis::gateway
