// Finds the scenario that the first argument names, and runs it.
#include <chrono>
#include <cstdio>

#include <weft/weft.hpp>

#include "scenarios.hpp"

int hazards::wait_for_the_end() {
  weft::sleep_for(std::chrono::hours(1));
  return 99;
}

int main(int argc, char **argv) {
  using namespace hazards;
  for (const scenario_table *table :
       {&exit_scenarios, &static_scenarios, &fork_scenarios, &frame_scenarios,
        &limit_scenarios})
    if (const auto found = table->find(argc > 1 ? argv[1] : "");
        found != table->end())
      return found->second();
  std::fputs("no such scenario\n", stderr);
  return 98;
}
