// Contexts that signals cancel: who is to be told of which.
//
// Locks: one spin lock for the list; nobody is cancelled under it.
// Invariants: R1 in the list => its context is alive.
//             R2 listed before its signals are taken, unlisted after they were given back.
#include <weft/signal.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

#include <weft/detail/atomic.hpp>

#include "api/context/cancellable.hpp"
#include "base/intrusive_list.hpp"
#include "port/signal.hpp"
#include "port/sync/spin_lock.hpp"

namespace weft::detail {
namespace {

constexpr std::uint64_t signal_bit(int number) noexcept { return std::uint64_t{1} << (number - 1); }

std::string signal_words(int number) {
  constexpr std::array<const char*, 16> words{"",
                                              "hangup",
                                              "interrupt",
                                              "quit",
                                              "illegal instruction",
                                              "trace/breakpoint trap",
                                              "aborted",
                                              "bus error",
                                              "floating point exception",
                                              "killed",
                                              "user defined signal 1",
                                              "segmentation fault",
                                              "user defined signal 2",
                                              "broken pipe",
                                              "alarm clock",
                                              "terminated"};
  const auto index = static_cast<std::size_t>(number);
  return number > 0 && index < words.size() ? words[index] : "signal " + std::to_string(number);
}

}  // namespace

class signal_registration {
 public:
  explicit signal_registration(context ctx) noexcept : ctx_(std::move(ctx)) {}
  signal_registration(const signal_registration&) = delete;
  signal_registration& operator=(const signal_registration&) = delete;
  ~signal_registration() { give_back(); }

  void take(std::span<const int> signals);
  void give_back() noexcept;
  const context& ctx() const noexcept { return ctx_; }

  signal_registration* next = nullptr;
  signal_registration* previous = nullptr;

  static void on_signal(int number) noexcept;

 private:
  static context first_to_tell(int number) noexcept;

  const context ctx_;
  std::uint64_t mask_ = 0;   // under the list's lock
  std::uint64_t taken_ = 0;  // under use_lock_
  bool told_ = false;        // under the list's lock
  spin_lock use_lock_;       // stop() may be called by several; taking is over by then
};

namespace {

constinit spin_lock signal_list_lock;
constinit intrusive_deque<signal_registration, &signal_registration::next,
                          &signal_registration::previous>
    signal_list;

}  // namespace

void signal_registration::take(std::span<const int> signals) {
  {
    std::lock_guard guard(signal_list_lock);
    for (const int number : signals) mask_ |= signal_bit(number);
    signal_list.push_back(this);
  }
  for (std::uint64_t rest = mask_; rest != 0; rest &= rest - 1) {
    take_signal(__builtin_ctzll(rest) + 1);
    taken_ |= rest & -rest;
  }
}

void signal_registration::give_back() noexcept {
  use_lock_.lock();
  std::uint64_t rest = std::exchange(taken_, 0);
  use_lock_.unlock();
  for (; rest != 0; rest &= rest - 1) give_back_signal(__builtin_ctzll(rest) + 1);
  std::lock_guard guard(signal_list_lock);
  if (std::exchange(mask_, 0) != 0) signal_list.remove(this);
}

context signal_registration::first_to_tell(int number) noexcept {
  std::lock_guard guard(signal_list_lock);
  for (signal_registration* r = signal_list.front(); r; r = r->next) {
    if (r->told_ || (r->mask_ & signal_bit(number)) == 0) continue;
    r->told_ = true;
    return r->ctx_;
  }
  return nullptr;
}

void signal_registration::on_signal(int number) noexcept {
  std::exception_ptr cause;
  try {
    cause = std::make_exception_ptr(signal_received(number));
  } catch (...) {  // no memory for the words
  }
  while (context ctx = first_to_tell(number)) {
    // As on the clock's behalf: what hangs on it must not hold up the thread that serves signals.
    context_node* node = ctx.node();
    node->cancels()->cancel(context_errc::canceled, cause, true);
    node->retain();
    ctx = nullptr;
    context_node::drop(node, true);
  }
}

std::shared_ptr<signal_registration> register_signals(context ctx, std::span<const int> signals) {
  if (signals.empty()) throw std::invalid_argument("notify_context: no signals");
  for (const int number : signals)
    if (!can_take_signal(number))
      throw std::invalid_argument("notify_context: signal " + std::to_string(number) +
                                  " cannot be taken");
  start_signal_thread(signal_registration::on_signal);
  auto made = std::make_shared<signal_registration>(std::move(ctx));
  made->take(signals);
  return made;
}

void stop_signals(signal_registration& r) noexcept {
  r.give_back();
  context_cancel(r.ctx().node(), nullptr);
}

}  // namespace weft::detail

namespace weft {

signal_received::signal_received(int number)
    : std::runtime_error(detail::signal_words(number) + " signal received"), number_(number) {}

}  // namespace weft
