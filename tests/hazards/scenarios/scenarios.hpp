// Programs that end in a way of their own: one executable, whose first argument
// names one.
#pragma once

#include <map>
#include <string_view>

namespace hazards {

using scenario_table = std::map<std::string_view, int (*)()>;

extern const scenario_table exit_scenarios;
extern const scenario_table static_scenarios;
extern const scenario_table fork_scenarios;
extern const scenario_table frame_scenarios;
extern const scenario_table limit_scenarios;

/// Never comes back: the program has to end by something else.
int wait_for_the_end();

} // namespace hazards
