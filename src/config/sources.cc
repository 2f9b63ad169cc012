#include "config/sources.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace portcullis::config {
namespace {

class SystemSources final : public Sources {
 public:
  Result<std::string> read(const std::string& path, std::size_t most) override {
    const auto close = [](std::FILE* file) { (void)std::fclose(file); };
    const std::unique_ptr<std::FILE, decltype(close)> file(std::fopen(path.c_str(), "rbe"), close);
    if (!file) return fail(ErrorCode::kMachine, std::strerror(errno));
    std::string text;
    std::array<char, std::size_t{16} * 1024>
        chunk;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled
    while (std::feof(file.get()) == 0) {
      const std::size_t got = std::fread(chunk.data(), 1, chunk.size(), file.get());
      if (std::ferror(file.get()) != 0) return fail(ErrorCode::kMachine, std::strerror(errno));
      text.append(chunk.data(), got);
      if (text.size() > most)
        return fail(ErrorCode::kMachine, "larger than " + std::to_string(most) + " bytes");
    }
    return text;
  }

  std::optional<std::string> environment(const std::string& name) override {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  }
};

class NoSources final : public Sources {
 public:
  Result<std::string> read(const std::string&, std::size_t) override {
    return fail(ErrorCode::kMachine, "files are not read here");
  }
  std::optional<std::string> environment(const std::string&) override { return std::nullopt; }
};

}  // namespace

Sources& system_sources() {
  static SystemSources sources;
  return sources;
}

Sources& no_sources() {
  static NoSources sources;
  return sources;
}

}  // namespace portcullis::config
