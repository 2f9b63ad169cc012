#include "gateway/list_fields.h"

#include "http/head.h"

namespace portcullis::gateway {

bool has_element(const http::Fields& fields, std::string_view name, std::string_view element) {
  bool found = false;
  for (const http::Field& field : fields) {
    if (field.name != name) continue;
    http::for_each_element(field.value, [&](std::string_view there) {
      found = found || http::equals_ignoring_case(there, element);
    });
  }
  return found;
}

void add_vary(std::string_view name, http::Fields& to) {
  if (!has_element(to, "vary", "*") && !has_element(to, "vary", name)) to.add("vary", name);
}

}  // namespace portcullis::gateway
