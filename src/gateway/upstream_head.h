// The head that goes upstream: written from the parsed request, never copied through.
#pragma once

#include "gateway/forward.h"
#include "http/client_exchange.h"
#include "http/head_writer.h"

namespace portcullis::gateway {

class UpstreamHead {
 public:
  // In the form that the upstream's protocol wants.
  explicit UpstreamHead(const Forwarding& forwarding);

  [[nodiscard]] http::RequestHead view() const {
    return {text_.text(), fields_.all(), body_, tunnel_};
  }
  // What it takes in memory beyond the request's arena; nothing can be sent any more.
  void release() { text_.release(); }

 private:
  http::HeadWriter text_;  // and of HeadForm::kFields, where values are put together
  http::Fields fields_;
  http::BodyKind body_;
  bool tunnel_;
};

// The trailer fields that may go on: what may not be said in the head may not be said behind the
// body.
void fill_upstream_trailers(const Forwarding& forwarding, http::Fields& to);

// True for fields of one connection (RFC 9110 7.6.1) and of framing, which each side writes for
// itself.
[[nodiscard]] bool is_hop_by_hop(http::FieldId id) noexcept;

// False when Connection can name no field: it is not there, or says `close` or `keep-alive` alone.
[[nodiscard]] bool may_nominate(const http::Fields& fields);

// True when Connection names `field`, which then goes no further.
[[nodiscard]] bool is_nominated(const http::Fields& fields, const http::Field& field);

}  // namespace portcullis::gateway
