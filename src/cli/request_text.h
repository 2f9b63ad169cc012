// The words that describe a request, as the head that a client would send, and the listener that it
// would reach.
#pragma once

#include "base/result.h"
#include "gateway/snapshot.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::cli {

struct RequestWords {
  std::string_view method;
  std::string_view url;                      // absolute, or a path
  std::vector<std::string_view> fields;      // `Name: value`
  std::optional<std::string_view> token;     // or `@FILE`
  std::optional<std::string_view> listener;  // a name
};

struct RequestText {
  std::string head;
  std::size_t listener = 0;  // index into the snapshot's listeners
  std::string shown;         // method and URL without the query
  std::vector<std::string> notes;
  std::string server_name;  // what a handshake would ask for; empty for an address
};

// The scheme and the port of the URL choose the listener; where several fit, the first that has an
// API for the host, and a note says so. What is in the head is for the gateway's parser to judge;
// only line ends are refused, since they would make several fields of one. Errors: kBadConfig.
[[nodiscard]] Result<RequestText> make_request(const RequestWords& words,
                                               const gateway::Snapshot& snapshot);

// Errors: kBadConfig, also when it is larger than `most` bytes.
[[nodiscard]] Result<std::string> read_small_file(const std::string& path, std::size_t most);

}  // namespace portcullis::cli
