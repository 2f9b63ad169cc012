// Whatever certificate a client shows, its names are read within bounds, and those that are not
// marked as odd can stand in a log, a field and a policy as they are.

#include "base/check.h"
#include "runtime/certificate_der.h"
#include "runtime/client_certificate.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace runtime = portcullis::runtime;

namespace {

void check_plain(std::string_view name) {
  PC_CHECK(!name.empty() && name.size() <= 1024);
  PC_CHECK(std::ranges::all_of(name, [](char c) { return c > 0x20 && c < 0x7f; }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto certificate = runtime::parse_certificate({reinterpret_cast<const char*>(data), size});
  if (certificate == nullptr) return 0;
  const auto facts = runtime::CertificateFacts::of(*certificate);
  if (facts.has_odd_names) return 0;
  for (const auto* names : {&facts.uris, &facts.dns_names, &facts.emails}) {
    for (const std::string& name : *names) check_plain(name);
  }
  PC_CHECK(std::ranges::all_of(facts.subject, [](char c) { return c >= 0x20 && c < 0x7f; }));
  return 0;
}
