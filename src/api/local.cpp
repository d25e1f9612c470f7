// Goroutine-local values: whose they are.
#include <weft/detail/local_core.hpp>

#include "api/belongings_here.hpp"

namespace weft::detail {

local_value* local_find(local_slot slot) noexcept {
  const local_values* locals = belongings_here().locals;
  return locals ? locals->find(slot) : nullptr;
}

void local_reserve(local_slot slot) {
  belongings& own = belongings_here();
  if (!own.locals) own.locals = new local_values;
  own.locals->reserve(slot);
}

void local_attach(local_slot slot, local_value& value) noexcept {
  belongings_here().locals->attach(slot, value);
}

void local_end(local_slot slot) noexcept {
  if (local_values* locals = belongings_here().locals) locals->end(slot);
}

}  // namespace weft::detail
