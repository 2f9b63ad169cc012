#include "config/nearest.h"

#include "base/ascii.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace portcullis::config {
namespace {

constexpr std::size_t kLongest = 64;          // longer names get no suggestion
constexpr std::size_t kMostCandidates = 512;  // bounds the work for one mistake

// Optimal string alignment, in half edits so that a difference of case is a small one.
std::size_t distance(std::string_view a, std::string_view b) {
  std::array<std::array<std::size_t, kLongest + 1>, 3> rows{};
  std::size_t before = 0;
  std::size_t above = 1;
  std::size_t here = 2;
  for (std::size_t j = 0; j <= b.size(); ++j) rows[above][j] = 2 * j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    rows[here][0] = 2 * i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t cost = 2;
      if (to_lower(a[i - 1]) == to_lower(b[j - 1])) cost = a[i - 1] == b[j - 1] ? 0 : 1;
      std::size_t best = std::min({rows[above][j] + 2, rows[here][j - 1] + 2,  //
                                   rows[above][j - 1] + cost});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        best = std::min(best, rows[before][j - 2] + 2);
      rows[here][j] = best;
    }
    const std::size_t oldest = before;
    before = above;
    above = here;
    here = oldest;
  }
  return rows[above][b.size()];
}

}  // namespace

std::string nearest(std::string_view name, const std::vector<std::string_view>& candidates) {
  if (name.empty() || name.size() > kLongest) return {};
  std::string_view best;
  std::size_t best_distance = 2 * std::max<std::size_t>(1, name.size() / 3) + 1;
  const std::size_t count = std::min(candidates.size(), kMostCandidates);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view candidate = candidates[i];
    if (candidate.empty() || candidate.size() > kLongest) continue;
    if (std::ranges::equal(name, candidate, {}, to_lower, to_lower)) return std::string(candidate);
    const std::size_t d = distance(name, candidate);
    if (d < best_distance) {
      best = candidate;
      best_distance = d;
    }
  }
  return std::string(best);
}

std::string did_you_mean(std::string_view name, const std::vector<std::string_view>& candidates) {
  const std::string best = nearest(name, candidates);
  return best.empty() ? "" : "; did you mean `" + best + "`?";
}

std::string meant_or_all(std::string_view name, const std::vector<std::string_view>& candidates) {
  const std::string meant = did_you_mean(name, candidates);
  return meant.empty() && !candidates.empty() ? "; there is " + one_of(candidates) : meant;
}

std::string one_of(const std::vector<std::string_view>& candidates) {
  constexpr std::size_t kMost = 16;
  std::string out;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (candidates.size() > kMost && i == kMost / 2) return out + ", …";
    if (i > 0) out += i + 1 == candidates.size() ? " or " : ", ";
    out += '`';
    out += candidates[i];
    out += '`';
  }
  return out;
}

std::string quote(std::string_view text) {
  constexpr std::size_t kMost = 60;
  std::string out = "`";
  for (const char c : text.substr(0, kMost))
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  if (text.size() > kMost) {
    // Not in the middle of a character.
    while (out.size() > 1 && (static_cast<unsigned char>(out.back()) & 0xc0U) == 0x80U)
      out.pop_back();
    if (static_cast<unsigned char>(out.back()) >= 0xc0U) out.pop_back();
    out += "…";
  }
  return out + "`";
}

}  // namespace portcullis::config
