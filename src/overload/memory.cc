#include "overload/memory.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fcntl.h>
#include <unistd.h>

namespace portcullis::overload {
namespace {

constexpr std::array<std::uint64_t, 5> kSteps = {80, 85, 90, 95, 100};

// A small file of /proc or /sys, whole; empty when it cannot be read.
std::string read_small(const char* path) {
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  std::string text(4096, '\0');
  const ssize_t n = ::read(fd, text.data(), text.size());
  close(fd);
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

void lower_to(std::uint64_t& least, const std::string& path) {
  if (const auto limit = parse_cgroup_limit(read_small(path.c_str())))
    least = std::min(least, *limit);
}

// This process's group and those around it: `0::/a/b` in /proc/self/cgroup.
void lower_to_groups(std::uint64_t& least) {
  const std::string all = read_small("/proc/self/cgroup");
  const std::size_t begin = all.find("0::");
  if (begin == std::string::npos) return;
  std::string group = all.substr(begin + 3, all.find('\n', begin) - begin - 3);
  while (group.size() > 1) {
    lower_to(least, "/sys/fs/cgroup" + group + "/memory.max");
    group.resize(group.rfind('/'));
  }
}

}  // namespace

Strain strain_of(std::uint64_t used, std::uint64_t ceiling) {
  if (ceiling == 0) return Strain::kNone;
  const double per_cent = 100.0 * static_cast<double>(used) / static_cast<double>(ceiling);
  const auto reached = std::ranges::count_if(
      kSteps, [&](std::uint64_t step) { return per_cent >= static_cast<double>(step); });
  return static_cast<Strain>(reached);
}

void Memory::use_ceiling(std::uint64_t ceiling) {
  ceiling_.store(ceiling != 0 ? ceiling : available_memory() / 100 * kDefaultShare,
                 std::memory_order_relaxed);
}

std::shared_ptr<MemoryShare> Memory::open_share() {
  auto share = std::make_shared<MemoryShare>();
  const std::lock_guard lock(mutex_);
  shares_.push_back(share);
  return share;
}

std::uint64_t Memory::counted(std::atomic<std::uint64_t> MemoryShare::* part) const {
  const std::lock_guard lock(mutex_);
  std::uint64_t sum = 0;
  for (const auto& share : shares_)
    sum += part != nullptr ? ((*share).*part).load(std::memory_order_relaxed) : share->sum();
  return sum;
}

bool Memory::look(std::uint64_t resident) {
  resident_.store(resident, std::memory_order_relaxed);
  const Strain now = strain_of(std::max(resident, counted(nullptr)), ceiling());
  return strain_.exchange(now, std::memory_order_relaxed) != now;
}

std::uint64_t available_memory() {
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long page = sysconf(_SC_PAGESIZE);
  std::uint64_t least = static_cast<std::uint64_t>(std::max(1L, pages)) *
                        static_cast<std::uint64_t>(std::max(1L, page));
  lower_to(least, "/sys/fs/cgroup/memory.max");
  lower_to(least, "/sys/fs/cgroup/memory/memory.limit_in_bytes");
  lower_to_groups(least);
  return least;
}

std::optional<std::uint64_t> resident_memory() {
  return parse_statm(read_small("/proc/self/statm"),
                     static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)));
}

std::optional<std::uint64_t> parse_cgroup_limit(std::string_view text) {
  std::uint64_t limit = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (error != std::errc{} || limit == 0) return std::nullopt;
  if (end != text.data() + text.size() && *end != '\n') return std::nullopt;
  return limit;
}

std::optional<std::uint64_t> parse_statm(std::string_view text, std::uint64_t page) {
  std::array<std::uint64_t, 3> numbers{};  // size, resident, shared
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  for (std::uint64_t& number : numbers) {
    while (at != end && *at == ' ') ++at;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error != std::errc{}) return std::nullopt;
    at = next;
  }
  if (numbers[2] > numbers[1]) return std::nullopt;
  return (numbers[1] - numbers[2]) * page;
}

}  // namespace portcullis::overload
