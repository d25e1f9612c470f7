// On one thread Boost's round_robin runs the fibers, on more its work_stealing.
#include "fibers.hpp"

#include <sys/mman.h>

#include <boost/version.hpp>
#include <cstdlib>
#include <string>
#include <thread>

namespace bench {

namespace {

constexpr std::size_t stack_bytes = 16 << 10;
constexpr std::size_t chunk_bytes = 64 << 20;

/// A list through the free stacks, whose links stand on the page that a fiber touches first.
struct free_stack {
  free_stack* next;
};
thread_local free_stack* free_stacks = nullptr;
/// What no fiber has used yet.
thread_local std::byte* fresh_begin = nullptr;
thread_local std::byte* fresh_end = nullptr;

void* take_fresh() {
  if (fresh_begin == fresh_end) {
    void* chunk = mmap(nullptr, chunk_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (chunk == MAP_FAILED) std::abort();
    madvise(chunk, chunk_bytes, MADV_NOHUGEPAGE);  // a fiber touches a page or two of its stack
    fresh_begin = static_cast<std::byte*>(chunk);
    fresh_end = fresh_begin + chunk_bytes;
  }
  fresh_begin += stack_bytes;
  return fresh_begin;  // its upper end
}

}  // namespace

boost::context::stack_context pooled_stack::allocate() {
  boost::context::stack_context stack;
  stack.size = stack_bytes;
  if (free_stacks == nullptr) {
    stack.sp = take_fresh();
  } else {
    stack.sp = free_stacks + 1;
    free_stacks = free_stacks->next;
  }
  return stack;
}

void pooled_stack::deallocate(boost::context::stack_context& stack) noexcept {
  free_stacks = new (static_cast<free_stack*>(stack.sp) - 1) free_stack{free_stacks};
}

namespace {

/// The other threads, which help until the benchmark ends.
class helpers {
 public:
  explicit helpers(int procs) {
    if (procs == 1) return;
    const auto number = static_cast<std::uint32_t>(procs);
    for (int i = 1; i < procs; ++i)
      all_.emplace_back([this, number] {
        fibers::use_scheduling_algorithm<fibers::algo::work_stealing>(number);
        std::unique_lock lock(m_);
        ended_.wait(lock, [this] { return end_; });
      });
    fibers::use_scheduling_algorithm<fibers::algo::work_stealing>(number);
  }
  helpers(const helpers&) = delete;
  helpers& operator=(const helpers&) = delete;
  ~helpers() {
    {
      const std::lock_guard guard(m_);
      end_ = true;
    }
    ended_.notify_all();
    for (std::thread& each : all_) each.join();
  }

 private:
  fibers::mutex m_;
  fibers::condition_variable ended_;
  bool end_ = false;
  std::vector<std::thread> all_;
};

}  // namespace

int run_in_fiber(const options& o) {
  const std::string version =
      std::to_string(BOOST_VERSION / 100'000) + "." + std::to_string(BOOST_VERSION / 100 % 1'000);
  const std::string program =
      "Boost.Fiber " + version + (o.procs == 1 ? " (round_robin)" : " (work_stealing)");
  // A scheduling algorithm is for a thread's whole life.
  const helpers others(o.list ? 1 : o.procs);
  return run_all(o, program, [](const auto& f) { f(); });
}

}  // namespace bench
