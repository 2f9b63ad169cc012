#include "gateway/answer_fields.h"

#include "gateway/field_values.h"

#include <algorithm>

namespace portcullis::gateway {
namespace {

constexpr std::string_view kHsts = "strict-transport-security";

}  // namespace

bool AnswerFields::is_dropped(const http::Field& field) const {
  if (cors != nullptr && is_cors_field(field)) return true;
  if (!hsts.empty() && field.id == http::FieldId::kOther && field.name == kHsts) return true;
  return edits != nullptr && std::ranges::find(edits->dropped, field.name) != edits->dropped.end();
}

void AnswerFields::add_all(http::Fields& to, http::Exchange& exchange, Account& account,
                           Maker maker) const {
  if (edits != nullptr) {
    const std::size_t said = to.size();
    const auto is_said = [&](std::string_view name) {
      return std::ranges::any_of(to.all().first(said),
                                 [&](const http::Field& field) { return field.name == name; });
    };
    const auto add = [&](const config::FieldTemplate& field) {
      if (maker == Maker::kGateway && is_said(field.name)) return;
      if (const auto value = fill_value(field, account, exchange.arena()))
        to.add(field.name, *value);
    };
    std::ranges::for_each(edits->edits->set, add);
    std::ranges::for_each(edits->edits->add, add);
  }
  if (!hsts.empty()) to.add(kHsts, hsts);
  if (cors != nullptr) cors->add_to(exchange.request().fields, to);
}

}  // namespace portcullis::gateway
