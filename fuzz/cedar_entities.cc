// Any bytes as entities, and as a request. Whoever is an ancestor of an ancestor is an ancestor.

#include "base/check.h"
#include "cedar/entities_json.h"
#include "cedar/request.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cedar = portcullis::cedar;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  cedar::Symbols symbols;
  const auto entities = cedar::read_entities(text, symbols);
  if (entities) {
    for (cedar::EntityId id = 0; id < symbols.entity_count(); ++id) {
      const cedar::EntityData* entity = entities->find(id);
      if (entity == nullptr) continue;
      PC_CHECK(!entity->ancestors.contains(id));
      for (const cedar::EntityId ancestor : entity->ancestors.ids()) {
        const cedar::EntityData* above = entities->find(ancestor);
        if (above == nullptr) continue;
        for (const cedar::EntityId higher : above->ancestors.ids())
          PC_CHECK(entity->ancestors.contains(higher));
      }
    }
  }
  portcullis::Arena arena;
  cedar::RequestNames names(symbols, arena);
  (void)cedar::read_request(text, names, arena);
  return 0;
}
