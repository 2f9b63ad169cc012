#include "config/diagnostics.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace portcullis::config {
namespace {

std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::kError:
      return "error";
    case Severity::kWarning:
      return "warning";
    case Severity::kNote:
      return "note";
  }
  return "error";
}

}  // namespace

std::uint32_t Diagnostics::add_file(std::string path) {
  files_.push_back(std::move(path));
  return static_cast<std::uint32_t>(files_.size() - 1);
}

void Diagnostics::note_place(std::string key, Position at) {
  places_.insert_or_assign(std::move(key), at);
}

std::optional<Position> Diagnostics::place_of(std::string_view key) const {
  while (!key.empty()) {
    if (const auto found = places_.find(key); found != places_.end()) return found->second;
    const std::size_t end = key.find_last_of(".[");
    key = key.substr(0, end == std::string_view::npos ? 0 : end);
  }
  return std::nullopt;
}

std::string Diagnostics::line_of(std::string_view key) const {
  const std::optional<Position> at = place_of(key);
  return at ? line_of(*at) : std::string();
}

std::string Diagnostics::line_of(Position at) const {
  if (at.file >= files_.size() || at.line == 0) return {};
  return fmt::format("{}:{}", files_[at.file], at.line);
}

void Diagnostics::error(Position at, std::string key, std::string message) {
  all_.push_back({Severity::kError, at, std::move(key), std::move(message)});
  ++errors_;
}

void Diagnostics::warning(Position at, std::string key, std::string message) {
  all_.push_back({Severity::kWarning, at, std::move(key), std::move(message)});
}

void Diagnostics::note(Position at, std::string key, std::string message) {
  all_.push_back({Severity::kNote, at, std::move(key), std::move(message)});
}

std::string Diagnostics::to_string() const {
  std::vector<const Diagnostic*> sorted;
  sorted.reserve(all_.size());
  for (const Diagnostic& one : all_) sorted.push_back(&one);
  std::ranges::sort(sorted, {}, [](const Diagnostic* one) {
    return std::tuple(one->at.file, one->at.line, one->at.column, one);
  });
  std::string out;
  for (const Diagnostic* one : sorted) {
    out += one->at.file < files_.size() ? files_[one->at.file] : "configuration";
    if (one->at.line != 0) out += fmt::format(":{}:{}", one->at.line, one->at.column);
    out += fmt::format(": {}: ", name_of(one->severity));
    if (!one->key.empty()) out += one->key + ": ";
    out += one->message + "\n";
  }
  return out;
}

}  // namespace portcullis::config
