// The list of all scenarios.
#include "scenarios.hpp"

namespace soak {

std::span<const scenario> all_scenarios() {
  static constexpr scenario all[] = {
      {"pipe of items", pipe_of_items},
      {"pipe of throwing items", pipe_of_throwing_items},
      {"token ring", token_ring},
      {"close under senders", close_under_senders},
      {"prime sieve", prime_sieve},
      {"select mix", select_mix},
      {"select both ways", select_both_ways},
      {"select, static shapes", select_static_shapes},
      {"context tree", context_tree},
      {"cancelled waits", cancelled_waits},
      {"after_func once", after_func_once},
      {"mutex counter", mutex_counter},
      {"shared mutex pair", shared_mutex_pair},
      {"bounded queue", bounded_queue},
      {"philosophers", philosophers},
      {"weighted semaphore", weighted_semaphore},
      {"once only", once_only},
      {"latch and barrier", latch_and_barrier},
      {"event relay", event_relay},
      {"pooled objects", pooled_objects},
      {"single flights", single_flights},
      {"wait group rounds", wait_group_rounds},
      {"fork and join", fork_and_join},
      {"failing tasks", failing_tasks},
      {"task groups", task_groups},
      {"parallel loops", parallel_loops},
      {"when any, when all", when_any_all},
      {"sleepers", sleepers},
      {"timers fire once", timers_fire_once},
      {"tickers", tickers},
      {"blocking pipes", blocking_pipes},
      {"blocking naps", blocking_naps},
      {"CPU hogs", cpu_hogs},
      {"tied to threads", tied_to_threads},
      {"changing processors", changing_processors},
      {"deep recursion", deep_recursion},
      {"many sizes", many_sizes},
      {"exceptions that park", exceptions_that_park},
      {"early exits", early_exits},
      {"spawn storm", spawn_storm},
      {"local values", local_values},
      {"broadcasts", broadcasts},
      {"watches", watches},
      {"oneshots", oneshots},
      {"unbounded channels", unbounded_channels},
      {"onlookers", onlookers},
  };
  return all;
}

}  // namespace soak
