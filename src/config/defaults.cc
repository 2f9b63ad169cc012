#include "config/defaults.h"

#include "config/load_parts.h"

namespace portcullis::config {
namespace {

Value mapping() {
  Value value;
  value.kind = ValueKind::kMapping;
  return value;
}

// Every block of the table, once, with nothing in it but blocks.
Value hollow(const Block& block) {
  Value value = mapping();
  for (const Key& key : block.keys) {
    if (key.block == nullptr) continue;
    Value inner = hollow(*key.block);
    Value outer;
    if (key.type == KeyType::kNamed) {
      outer = mapping();
      outer.members.push_back({"name", {}, std::move(inner)});
    } else if (key.type == KeyType::kList) {
      outer.kind = ValueKind::kSequence;
      outer.items.push_back(std::move(inner));
    } else {
      outer = std::move(inner);
    }
    value.members.push_back({std::string(key.name), {}, std::move(outer)});
  }
  return value;
}

}  // namespace

Defaults find_defaults() {
  Diagnostics ignored;  // all that is required is missing
  ignored.add_file("");
  Defaults defaults;
  Context context{.diagnostics = ignored,
                  .sources = no_sources(),
                  .files = {},
                  .references = {},
                  .partial_apis = {},
                  .defaults = &defaults};
  (void)read_root(context, hollow(root_block()));
  return defaults;
}

}  // namespace portcullis::config
