// What the runtime does in a child of fork(): see port/fork.hpp.
//
// The flags that are set here send whoever uses weft to a slow path, which ends the child: the
// fast paths ask nothing new.
#include "port/fork.hpp"

#include "sched/runtime.hpp"

namespace weft::detail {

void runtime::watch_for_forks() noexcept {
  watch_for_fork([] { get().begin_forked_child(); });
}

void runtime::begin_forked_child() noexcept {
  started_.publish(false);  // a start asks for the runtime
  watched_.publish(false);  // what becomes runnable has to be seen by somebody
  for (processor* p = made_.read(); p; p = p->next_made)
    p->attention.write(true);  // a park, an end
}

}  // namespace weft::detail
