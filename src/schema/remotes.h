// Documents of other URIs from folders of this machine: what stands in for fetching.
#pragma once

#include "base/result.h"
#include "schema/options.h"

#include <string>
#include <string_view>
#include <vector>

namespace portcullis::schema {

// URIs that begin with a prefix are files in a folder: with `https://example.com/=schemas`,
// `https://example.com/a/b.json` is `schemas/a/b.json`.
class Remotes {
 public:
  // `URL=DIR`. Errors: kBadConfig, when it is not of that form or the folder is not there.
  [[nodiscard]] Result<void> add(std::string_view rule);
  // For Options::load; copies the rules. Of prefixes that fit, the longest counts. Nothing outside
  // the folder is read: not by `..`, not by encoded slashes, not by links.
  [[nodiscard]] Loader loader() const;

 private:
  struct Rule {
    std::string prefix;
    std::string folder;
  };
  static std::optional<Result<std::string>> load(const std::vector<Rule>& rules,
                                                 std::string_view uri);
  std::vector<Rule> rules_;  // the longest prefix first
};

}  // namespace portcullis::schema
