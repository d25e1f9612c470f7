// The bytes of what there may be a million of: objects as they are, and blocks as they are asked
// for when one is made.
#include "gate.hpp"

#include <chrono>

#include "engine/timer_heap.hpp"
#include "fiber/goroutine.hpp"
#include "sync/channel.hpp"
#include "wait/wait_queue.hpp"

namespace {

using namespace std::chrono_literals;

const gate::size control_block("goroutine", sizeof(weft::detail::goroutine));
const gate::size waiter("waiter", sizeof(weft::detail::waiter));
const gate::size wait_node("wait_node", sizeof(weft::detail::wait_node));
const gate::size timed("timed_wake", sizeof(weft::detail::timed_wake));
const gate::size channel_core("channel_core", sizeof(weft::detail::channel_core));

const gate::size channel("chan<int>", sizeof(weft::chan<int>));
const gate::size context("context", sizeof(weft::context));
const gate::size mutex("mutex", sizeof(weft::mutex));
const gate::size shared_mutex("shared_mutex", sizeof(weft::shared_mutex));
const gate::size condition("condition_variable", sizeof(weft::condition_variable));
const gate::size once("once", sizeof(weft::once));
const gate::size semaphore("semaphore", sizeof(weft::semaphore));
const gate::size wait_group("wait_group", sizeof(weft::wait_group));

const gate::size channel_block("block of chan<int>()", [] { const weft::chan<int> c; });
const gate::size buffer_block("block of chan<int>(10)", [] { const weft::chan<int> c(10); });
// Not by making one: its block is one that has been used before.
const gate::size group_core("wait_group_core", weft::detail::wait_group_bytes());
const gate::size cancel_block("block of with_cancel",
                              [] { const auto made = weft::with_cancel(weft::background()); });
const gate::size timeout_block("block of with_timeout", [] {
  const auto made = weft::with_timeout(weft::background(), 1h);
});
const gate::size timer_block("block of timer", [] { const weft::timer t(1h); });
const gate::size task_block("block of spawn", [] { weft::spawn([] { return 1; }).get(); });

}  // namespace
