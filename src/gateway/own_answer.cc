#include "gateway/own_answer.h"

#include "gateway/field_values.h"

namespace portcullis::gateway {

std::string_view fill_own_answer(const Shape& shape, http::Exchange& exchange, Account& account,
                                 http::Response& head) {
  if (shape.redirect != nullptr) {
    head.status = shape.redirect->status;
    head.fields.add("location", shape.redirect->to);
    return {};
  }
  const config::Respond& respond = *shape.respond;
  head.status = respond.status;
  head.body = http::BodyKind::kLength;
  head.content_length = respond.body.size();
  if (!respond.body.empty()) head.fields.add("content-type", respond.content_type);
  for (const config::FieldTemplate& field : respond.headers) {
    if (const auto value = fill_value(field, account, exchange.arena()))
      head.fields.add(field.name, *value);
  }
  return respond.body;
}

Result<void> fill_preflight(const Shape& shape, const http::Exchange& exchange,
                            http::Response& head) {
  head.status = 204;
  return shape.cors->add_preflight_to(exchange.request().fields, shape.methods, head.fields);
}

MaintenanceAnswer maintenance_answer(const config::Maintenance& maintenance, Arena& arena) {
  return {.retry_after = arena.copy(std::to_string(maintenance.retry_after.count())),
          .body = maintenance.body,
          .content_type = maintenance.content_type};
}

}  // namespace portcullis::gateway
