// Dumps, and the signal that asks for one.
#include <weft/debug/dump.hpp>

#include <ostream>

#include "api/inspect/report.hpp"

namespace weft {

std::string dump() {
  using namespace detail;
  return report_of_all(take_census(), parked_threads::list(), objects::by_address);
}

void dump(std::ostream& to) { to << dump(); }

}  // namespace weft
