// What every final answer to a request carries, whoever made it: the upstream, a rule that refused,
// the gateway itself.
#pragma once

#include "gateway/account.h"
#include "gateway/shape.h"
#include "http/exchange.h"

#include <cstdint>
#include <string_view>

namespace portcullis::gateway {

enum class Maker : std::uint8_t { kUpstream, kGateway };

struct AnswerFields {
  std::string_view hsts;                 // empty: none
  const CorsRule* cors = nullptr;        // null: not the gateway's matter
  const ResponseEdits* edits = nullptr;  // null: none

  // Whether a field of the upstream goes no further.
  [[nodiscard]] bool drops(const http::Field& field) const { return any() && is_dropped(field); }
  // What the gateway itself has said in an answer of its own stays; `response_headers` then adds
  // what is not there.
  void add_to(http::Fields& to, http::Exchange& exchange, Account& account, Maker maker) const {
    if (any()) add_all(to, exchange, account, maker);
  }

 private:
  [[nodiscard]] bool any() const { return cors != nullptr || edits != nullptr || !hsts.empty(); }
  [[nodiscard]] bool is_dropped(const http::Field& field) const;
  void add_all(http::Fields& to, http::Exchange& exchange, Account& account, Maker maker) const;
};

}  // namespace portcullis::gateway
