// A configuration loads or says why not, never both; every diagnostic stands in the file; and the
// bytes of a secret are in none of them.

#include "base/check.h"
#include "config/load.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace config = portcullis::config;

namespace {

constexpr std::string_view kCanary = "canary-2f0d6c1e9b";

// Every variable is set and every file is there, and holds the same secret.
class CanarySources final : public config::Sources {
 public:
  portcullis::Result<std::string> read(const std::string&, std::size_t) override {
    return std::string(kCanary);
  }
  std::optional<std::string> environment(const std::string&) override {
    return std::string(kCanary);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CanarySources sources;
  config::Diagnostics diagnostics;
  const auto loaded = config::load_text(text, "fuzz/a.yaml", diagnostics, sources);
  PC_CHECK(loaded.has_value() == diagnostics.ok());
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
  for (const config::Diagnostic& one : diagnostics.all()) {
    PC_CHECK(one.at.file < diagnostics.files().size());
    PC_CHECK(!one.message.empty());
    if (one.at.file == 0) PC_CHECK(one.at.line <= lines + 1);
  }
  const bool quotes_canary = text.find(kCanary) != std::string_view::npos;
  PC_CHECK(quotes_canary || diagnostics.to_string().find(kCanary) == std::string::npos);
  return 0;
}
