// Origins as browsers write them (RFC 6454 6.2, the WHATWG URL standard's serialisation).
#pragma once

#include <string>
#include <string_view>

namespace portcullis::config {

struct ReadOrigin {
  std::string text;     // serialised; empty when there is a problem
  std::string problem;  // what is wrong, and the remedy
};

// `https://App.Example.com:443` gives `https://app.example.com`. Takes `*`, `null`, and a host that
// begins with `*.`, which stands for one label or more.
[[nodiscard]] ReadOrigin read_origin(std::string_view text);

}  // namespace portcullis::config
