// The scenarios by name. Each is a small program with several strands that checks itself.
#pragma once

#include "cast.hpp"
#include "scene.hpp"

namespace soak {

// channels.cpp
void pipe_of_items(scene& s);
void pipe_of_throwing_items(scene& s);
void token_ring(scene& s);
void close_under_senders(scene& s);
void prime_sieve(scene& s);

// selects.cpp
void select_mix(scene& s);
void select_both_ways(scene& s);
void select_static_shapes(scene& s);

// contexts.cpp
void context_tree(scene& s);
void cancelled_waits(scene& s);
void after_func_once(scene& s);

// locks.cpp
void mutex_counter(scene& s);
void shared_mutex_pair(scene& s);
void bounded_queue(scene& s);
void philosophers(scene& s);

// gates.cpp
void weighted_semaphore(scene& s);
void once_only(scene& s);
void latch_and_barrier(scene& s);
void event_relay(scene& s);
void pooled_objects(scene& s);
void single_flights(scene& s);
void wait_group_rounds(scene& s);

// tasks.cpp
void fork_and_join(scene& s);
void failing_tasks(scene& s);
void task_groups(scene& s);
void parallel_loops(scene& s);
void when_any_all(scene& s);

// timing.cpp
void sleepers(scene& s);
void timers_fire_once(scene& s);
void tickers(scene& s);

// threads.cpp
void blocking_pipes(scene& s);
void blocking_naps(scene& s);
void cpu_hogs(scene& s);
void tied_to_threads(scene& s);
void changing_processors(scene& s);

// stacks.cpp
void deep_recursion(scene& s);
void many_sizes(scene& s);
void exceptions_that_park(scene& s);
void early_exits(scene& s);
void spawn_storm(scene& s);
void local_values(scene& s);

// kinds.cpp
void broadcasts(scene& s);
void watches(scene& s);
void oneshots(scene& s);
void unbounded_channels(scene& s);

// looking.cpp
void onlookers(scene& s);

}  // namespace soak
