// What would become of one request, and why. The request's way is walked by the code that serves,
// over a connection within this process; nothing is sent to anybody, and no key is fetched.
#pragma once

#include "base/ip.h"
#include "config/diagnostics.h"
#include "gateway/snapshot.h"
#include "runtime/certificate_files.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace portcullis::gateway {

struct Question {
  std::string head;          // as the client would send it, with its empty line
  std::size_t listener = 0;  // index into the snapshot's listeners
  IpAddress client;          // who connects
  std::string keys;          // a JWK set for the issuers whose keys would be fetched; empty: none
  std::string server_name;   // what a client would ask for in its handshake, in lower case
  std::vector<runtime::CertificatePtr> certificates;  // that it would show, leaf first; or none
};

// One thing that a step looked at or decided by, and where it is written.
struct Fact {
  std::string what;
  std::string at;  // `portcullis.yaml:88`; empty when nothing is written about it
};

struct ExplainedStep {
  int number = 0;         // as docs and ARCHITECTURE.md have it
  std::string_view name;  // as logs have it
  bool refused = false;   // then it is the last
  std::vector<Fact> facts;
};

// What the upstream would be sent. Values of credentials are not among it.
struct UpstreamRequest {
  std::string upstream;
  std::string at;
  std::vector<std::string> targets;
  std::string line;                                          // without the query's text
  std::vector<std::pair<std::string, std::string>> written;  // fields that the gateway writes
  std::vector<std::string> passed;                           // names of fields as they came
  std::vector<std::string> removed;                          // names of fields that do not go on
};

enum class Ending : std::uint8_t { kForwarded, kAnswered, kRefused };

struct Explanation {
  Ending ending = Ending::kRefused;
  std::vector<ExplainedStep> steps;
  std::vector<std::string> notes;  // what could not be known here
  UpstreamRequest upstream;        // when it was forwarded
  // Else the gateway's own answer; a status of 0 when the connection is closed without one.
  int status = 0;
  std::string_view problem;  // the last part of its type; empty when it is none
  std::string_view title;
  std::string reason;
  std::string rule;
  std::vector<std::pair<std::string, std::string>> answer;  // its fields
};

// `places` is where the snapshot's configuration was read into. Safe to print: no token, key or
// cookie of the question is in what is given back.
[[nodiscard]] Explanation explain(const Question& question,
                                  const std::shared_ptr<const Snapshot>& snapshot,
                                  const config::Diagnostics& places);

}  // namespace portcullis::gateway
