// See packer.hpp.
#include "sched/pack/packer.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <vector>

#include "port/clock.hpp"
#include "port/pack/packed_pages.hpp"
#include "port/stack_memory.hpp"
#include "port/sync/parker.hpp"
#include "port/sync/spin_lock.hpp"
#include "port/thread.hpp"
#include "port/trace/safe_copy.hpp"
#include "sched/runtime.hpp"

namespace weft::detail {
namespace {

constexpr std::size_t live_bytes_max = 3072;  // of a page; more is not worth it
constexpr std::size_t packed_between_pauses = 64;
constexpr deadline_ns packer_pause_ns = 200'000;
constexpr deadline_ns shortest_period_ns = 5'000'000;
constexpr deadline_ns longest_period_ns = 1'000'000'000;

constinit spin_lock pass_lock;  // held for long; who waits for it naps
constinit spin_lock packing_lock;
constinit hint<deadline_ns> packing_after{0};  // 0: not at all
constinit bool packer_started = false;         // packing_lock
constinit parker packer_sleep;
constinit hint<std::uintptr_t> packer_stack_low{0};
constinit hint<std::uintptr_t> packer_stack_high{0};

/// One that may be packed, and how it was seen.
struct candidate {
  goroutine* g = nullptr;
  std::uint32_t word = 0;
};

bool waits_as_it_may(const goroutine& g, const pack_policy& policy) noexcept {
  const wait_reason reason = g.reason.read();
  const bool is_io = reason == wait_reason::io_read || reason == wait_reason::io_write;
  if (is_io && !g.waits_on.read()) return false;  // the kernel is at it
  if (policy.all_waits) return true;
  return !g.bounded.read() && reason != wait_reason::sleep && reason != wait_reason::none;
}

/// What is read here may change meanwhile: stands_as_seen() says whether it held.
WEFT_READS_RACILY bool describe_stack(const goroutine& g, pack_request& q) noexcept {
  const stack memory = g.memory;
  void* const pointer = g.context.stack_pointer;
  if (!memory || !memory.guarded() || !pointer || pointer == execution::elsewhere()) return false;
  const std::size_t page = page_bytes();
  std::byte* const low = memory.low();
  const std::byte* const high = memory.top(g.size);
  auto* const live = static_cast<std::byte*>(pointer);
  if (live < low + page || live >= high) return false;
  if (page - static_cast<std::size_t>(live - low) % page > live_bytes_max) return false;
  q.live = live;
  q.top = memory.top(g.size);
  q.dead = low + page;
  return packed_pages::knows(live);
}

/// Past the barrier: what was read before may have been older than the word.
bool stands_as_seen(pack_request& q) noexcept {
  const candidate& c = *static_cast<const candidate*>(q.owner);
  pack_request again;
  return c.g->state.word() == c.word && describe_stack(*c.g, again) && again.live == q.live &&
         again.top == q.top;
}

class pass {
 public:
  explicit pass(const pack_policy& policy) noexcept : policy_(policy), now_(now_ns()) {}

  /// One that goes gently ends as soon as packing is switched off.
  bool goes_on() const noexcept {
    return !result_.refused && (!policy_.gently || packing_after.read() != 0);
  }

  pack_pass run() noexcept {
    constexpr std::size_t chunks_at_once = 64;
    std::array<goroutine*, chunks_at_once> firsts{};
    for (std::size_t from = 0; goes_on();) {
      const std::size_t count = runtime::get().list_chunks(from, firsts);
      if (count == 0) break;
      from += count;
      for (std::size_t i = 0; i < count && goes_on(); ++i)
        for (std::size_t k = 0; k < goroutine_pool::chunk_count; ++k) look_at(firsts[i][k]);
    }
    if (goes_on()) flush();
    return result_;
  }

 private:
  void look_at(goroutine& g) noexcept {
    const std::uint32_t word = g.state.word();
    if (run_state::state_of(word) != goroutine_state::waiting) return;
    const pack_mark mark = g.packed.read();
    if (mark == pack_mark::packed || !waits_as_it_may(g, policy_)) return;
    if (mark != pack_mark::none) {
      ++result_.too_young;
      return packed_pages::cool(g.packed);
    }
    if (policy_.age > 0 && since_coarse_ns(g.since.read(), now_) < policy_.age) {
      ++result_.too_young;
      return;
    }
    pack_request& q = requests_[count_];
    if (!describe_stack(g, q)) return;
    candidates_[count_] = {&g, word};
    q.mark = &g.packed;
    q.owner = &candidates_[count_];
    if (++count_ == requests_.size()) flush();
  }

  void flush() noexcept {
    const int packed = packed_pages::pack(requests_.data(), count_, stands_as_seen);
    count_ = 0;
    if (packed < 0) {
      result_.refused = true;
      return;
    }
    result_.packed += static_cast<std::size_t>(packed);
    since_pause_ += static_cast<std::size_t>(packed);
    if (!policy_.gently || since_pause_ < packed_between_pauses) return;
    since_pause_ = 0;
    static_cast<void>(packer_sleep.park_until(now_ns() + packer_pause_ns));
  }

  const pack_policy policy_;
  const deadline_ns now_;
  std::array<pack_request, packed_pages::batch_max> requests_{};
  std::array<candidate, packed_pages::batch_max> candidates_{};
  std::size_t count_ = 0;
  std::size_t since_pause_ = 0;
  pack_pass result_;
};

/// Stacks in slabs that are not known yet are passed over.
void learn_slabs() noexcept {
  static constinit std::size_t known_stacks = 0;  // pass_lock
  const std::size_t stacks = runtime::get().stacks_created();
  if (stacks == known_stacks) return;
  try {
    std::vector<stack_slab> slabs;
    runtime::get().list_slabs(slabs);
    for (const stack_slab& s : slabs)
      if (!packed_pages::know_memory(s.low, s.bytes)) return;
    known_stacks = stacks;
  } catch (const std::bad_alloc&) {  // the next pass tries again
  }
}

/// Somebody has put a handler over weft's, or locked all memory: what is touched from now on would
/// not come back.
void give_packing_up(const char* why) noexcept {
  packing_after.write(0);
  packed_pages::bring_back_all();
  std::fprintf(stderr, "weft: parked goroutines are not packed any more: %s\n", why);
}

void packer_thread(void*) {
  prepare_worker_thread("weft-pack");
  const stack_bounds bounds = thread_stack_bounds();
  // Safety: the numbers are compared.
  const auto low = reinterpret_cast<std::uintptr_t>(bounds.low);
  packer_stack_low.write(low);
  packer_stack_high.write(low + bounds.bytes);
  std::uint64_t turns = 0;
  bool wants_more = true;
  for (;;) {
    const deadline_ns after = packing_after.read();
    if (after == 0) {
      packer_sleep.park();
      wants_more = true;
      continue;
    }
    const std::uint64_t turns_now = runtime::get().count_turns();
    if (wants_more || turns_now != turns) {
      turns = turns_now;
      const pack_pass done = pack_parked({.age = after, .gently = true});
      wants_more = done.packed + done.too_young > 0;
      if (done.refused) give_packing_up("the memory is locked (mlockall)");
    }
    if (packing_after.read() != 0 && !packed_pages::handler_is_ours())
      give_packing_up("the handler of SIGSEGV has been replaced");
    const deadline_ns period = std::clamp(after / 4, shortest_period_ns, longest_period_ns);
    static_cast<void>(packer_sleep.park_until(now_ns() + period));
  }
}

}  // namespace

address_span packer_stack() noexcept { return {packer_stack_low.read(), packer_stack_high.read()}; }

pack_pass pack_parked(const pack_policy& policy) noexcept {
  const std::lock_guard guard(pass_lock);
  learn_slabs();
  return pass(policy).run();
}

const char* prepare_packing() noexcept {
  static_cast<void>(runtime::get());  // the barriers are ready
  return packed_pages::prepare();
}

const char* set_packing(deadline_ns after) noexcept {
  const std::lock_guard guard(packing_lock);
  if (after <= 0) {
    packing_after.write(0);
    const std::lock_guard no_pass(pass_lock);
    packed_pages::bring_back_all();
    return nullptr;
  }
  if (const char* why = prepare_packing()) return why;
  if (!packer_started) {
    try {
      start_service_thread(packer_thread, nullptr);
      packer_started = true;
    } catch (...) {
      return "no thread for it";
    }
  }
  packing_after.write(after);
  packer_sleep.unpark();
  return nullptr;
}

void start_packing_from_environment() noexcept {
  const char* text = std::getenv("WEFT_PACK_AFTER");
  if (!text || *text == '\0') return;
  constexpr std::int64_t ms_max = std::int64_t{1} << 40;
  std::int64_t ms = 0;
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, ms);
  if (stop != end || error != std::errc() || ms <= 0 || ms > ms_max) return;
  if (const char* why = set_packing(ms * 1'000'000))
    std::fprintf(stderr, "weft: WEFT_PACK_AFTER: parked goroutines are not packed: %s\n", why);
}

void bring_stack_back(goroutine& g) noexcept {
  packed_pages::bring_back(g.context.stack_pointer, g.packed);
}

}  // namespace weft::detail
