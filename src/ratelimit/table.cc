#include "ratelimit/table.h"

#include "base/check.h"

#include <algorithm>
#include <bit>
#include <cstdlib>

namespace portcullis::ratelimit {
namespace {

using Word = std::atomic_ref<std::uint64_t>;

// An arrival that no bucket has: the slot is changing hands.
constexpr std::uint64_t kBusy = ~std::uint64_t{0};
constexpr std::size_t kCacheLine = 64;

}  // namespace

// Why a request cannot be counted in a bucket that has changed hands, though tag and arrival are
// two words: a slot is given to another key only when its arrival lies before `now`, and begins
// again after `now`. So a slot's arrivals never repeat across its keys, and a compare-and-swap that
// succeeds has counted for the key whose tag was read after the expected arrival.

void Table::Free::operator()(void* memory) const { std::free(memory); }

Table::Table(TimePoint start, std::size_t slots)
    : start_(start), windows_(std::bit_ceil(std::max(slots, kWindow)) / kWindow) {
  const std::size_t size = windows_ * kWindow * sizeof(Slot);
  std::size_t space = size + kCacheLine;
  memory_.reset(std::calloc(space, 1));
  void* aligned = memory_.get();
  PC_CHECK(aligned != nullptr && std::align(kCacheLine, size, aligned, space) != nullptr);
  slots_ = static_cast<Slot*>(aligned);
}

KeyHash Table::hash(std::string_view key) const {
  const Hash128 hash = keyed_hash_128(hash_key_, key);
  return {hash.low, hash.high == 0 ? 1 : hash.high};
}

Table::Slot* Table::find(const KeyHash& key) const {
  Slot* const first = window(key);
  for (Slot* slot = first; slot != first + kWindow; ++slot) {
    const std::uint64_t tag = Word(slot->tag).load(std::memory_order_relaxed);
    if (tag == key.tag) return slot;
    if (tag == 0) break;  // slots are filled in order and never emptied
  }
  return nullptr;
}

std::uint64_t Table::peek(const KeyHash& key) const {
  Slot* const slot = find(key);
  if (slot == nullptr) return 0;
  const std::uint64_t arrival = Word(slot->arrival).load(std::memory_order_acquire);
  // Changing hands, or has changed: the key is not there, or about to be.
  if (arrival == kBusy || Word(slot->tag).load(std::memory_order_relaxed) != key.tag) return 0;
  return arrival;
}

// False when the slot is not, or may not be, that key's any more.
bool Table::try_take(Slot& slot, std::uint64_t tag, const Gcra& gcra, std::uint64_t now,
                     Taken& taken) {
  const Word word(slot.arrival);
  while (true) {
    std::uint64_t arrival = word.load(std::memory_order_acquire);
    if (arrival == kBusy || Word(slot.tag).load(std::memory_order_relaxed) != tag) return false;
    const Decision decision = gcra.decide(arrival, now);
    if (!decision.allowed) {
      taken = {false, arrival, &slot.arrival, tag};
      return true;
    }
    if (word.compare_exchange_weak(arrival, decision.arrival, std::memory_order_acq_rel,
                                   std::memory_order_relaxed)) {
      taken = {true, decision.arrival, &slot.arrival, tag};
      return true;
    }
  }
}

Taken Table::take_shared(std::uint64_t& bucket, const Gcra& gcra, std::uint64_t now) {
  const Word word(bucket);
  std::uint64_t arrival = word.load(std::memory_order_relaxed);
  while (true) {
    const Decision decision = gcra.decide(arrival, now);
    if (!decision.allowed) return {false, arrival, &bucket, 0};
    if (word.compare_exchange_weak(arrival, decision.arrival, std::memory_order_relaxed)) {
      return {true, decision.arrival, &bucket, 0};
    }
  }
}

Taken Table::take(const KeyHash& key, SharedBuckets& shared, const Gcra& gcra, std::uint64_t now) {
  Taken taken;
  if (Slot* slot = find(key); slot != nullptr && try_take(*slot, key.tag, gcra, now, taken)) {
    return taken;
  }
  return insert(key, shared, gcra, now);
}

// Makes the slot busy, so that its tag may be changed, if it is free or full again.
bool Table::claim(Slot& slot, std::uint64_t now) {
  const Word word(slot.arrival);
  std::uint64_t arrival = word.load(std::memory_order_relaxed);
  const bool free = Word(slot.tag).load(std::memory_order_relaxed) == 0;
  if (!free && arrival + kClockSkewNs >= now) return false;
  return word.compare_exchange_strong(arrival, kBusy, std::memory_order_acq_rel,
                                      std::memory_order_relaxed);
}

Taken Table::insert(const KeyHash& key, SharedBuckets& shared, const Gcra& gcra,
                    std::uint64_t now) {
  Slot* const first = window(key);
  {
    // All that changes tags in this window holds this mutex: a key is never in it twice.
    const std::lock_guard lock(shards_[(key.place & (windows_ - 1)) % kShards].mutex);
    Taken taken;
    if (Slot* slot = find(key); slot != nullptr && try_take(*slot, key.tag, gcra, now, taken)) {
      return taken;
    }
    for (Slot* slot = first; slot != first + kWindow; ++slot) {
      if (!claim(*slot, now)) continue;
      const Word tag(slot->tag);
      if (tag.load(std::memory_order_relaxed) == 0) used_.fetch_add(1, std::memory_order_relaxed);
      tag.store(key.tag, std::memory_order_relaxed);
      const Decision decision = gcra.decide(0, now);  // of a full bucket: always allowed
      Word(slot->arrival).store(decision.arrival, std::memory_order_release);
      return {true, decision.arrival, &slot->arrival, key.tag};
    }
  }
  overflowed_.fetch_add(1, std::memory_order_relaxed);
  return take_shared(shared.overflow, gcra, now);
}

void Table::give_back(const Taken& taken, const Gcra& gcra) {
  const Word word(*taken.word);
  std::uint64_t arrival = word.load(std::memory_order_acquire);
  while (arrival != kBusy) {
    if (taken.tag != 0) {
      // The slot that the word is in; its tag stands behind it.
      auto* slot = reinterpret_cast<Slot*>(taken.word);
      if (Word(slot->tag).load(std::memory_order_relaxed) != taken.tag) return;
    }
    // Requests that found the bucket in use have moved the arrival by whole intervals. Anything
    // else means that it was full again and was taken from anew: ours has come back by itself.
    // (That a fresh start lies whole intervals away to the nanosecond is not excluded, only rare
    // within a case that is rare already; it costs one request too many.)
    const std::uint64_t apart =
        arrival > taken.arrival ? arrival - taken.arrival : taken.arrival - arrival;
    if (apart % gcra.interval() != 0) return;
    if (word.compare_exchange_weak(arrival, arrival - gcra.interval(), std::memory_order_acq_rel,
                                   std::memory_order_acquire)) {
      return;
    }
  }
}

void Table::refill(const KeyHash& key) {
  Slot* const slot = find(key);
  if (slot == nullptr) return;
  const Word word(slot->arrival);
  std::uint64_t arrival = word.load(std::memory_order_acquire);
  while (arrival != kBusy && Word(slot->tag).load(std::memory_order_relaxed) == key.tag) {
    if (word.compare_exchange_weak(arrival, 0, std::memory_order_acq_rel,
                                   std::memory_order_acquire))
      return;
  }
}

std::shared_ptr<SharedBuckets> Table::shared(const KeyHash& limit) {
  const std::lock_guard lock(shared_mutex_);
  std::erase_if(shared_, [](const auto& entry) { return entry.second.expired(); });
  if (const auto found = shared_.find(limit); found != shared_.end()) {
    if (auto living = found->second.lock()) return living;
  }
  auto made = std::make_shared<SharedBuckets>();
  shared_[limit] = made;
  return made;
}

}  // namespace portcullis::ratelimit
