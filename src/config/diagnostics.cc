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
