// The handler, the eventfd that it writes to, and the thread that reads it.
//
// Orders: see signal.hpp.
#include "port/signal.hpp"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <system_error>
#include <utility>

#include <weft/detail/atomic.hpp>

#include "port/thread.hpp"

namespace weft::detail {
namespace {

struct taken_signal {
  int count = 0;
  struct sigaction before {};
};

constinit inner_atomic<std::uint64_t> pending_signals{0};  // bit n - 1
static_assert(inner_atomic<std::uint64_t>::is_always_lock_free, "a handler needs it");
constinit published<bool> serving_signals{false};
constinit int signal_event = -1;  // written once, before the first handler is installed
constinit published<bool> signal_thread_started{false};
constinit inner_atomic<int> awaited_count{0};
constinit std::array<published<signal_sink>, 4> signal_sinks{};
constinit std::mutex signal_mutex;
constinit std::array<taken_signal, signal_numbers> taken_signals;

void note_signal(int number) {
  const int saved_errno = errno;
  // Order: pending. release: what the thread did before it was interrupted is seen by the reader.
  pending_signals.fetch_or(std::uint64_t{1} << (number - 1), release);
  const std::uint64_t one = 1;
  // It fails only when the counter is full, and then the reader has been told often enough.
  if (::write(signal_event, &one, sizeof one) < 0) errno = saved_errno;
  errno = saved_errno;
}

void tell_sinks(int number) noexcept {
  for (const auto& each : signal_sinks)
    if (const signal_sink sink = each.read()) sink(number);
}

void serve_signals(void*) {
  for (;;) {
    std::uint64_t count = 0;
    if (::read(signal_event, &count, sizeof count) < 0 && errno != EINTR) return;
    serving_signals.publish(true);
    // Order: pending. acq_rel: who finds nothing pending any more sees that it is being served.
    std::uint64_t bits = pending_signals.exchange(0, acq_rel);
    for (; bits != 0; bits &= bits - 1) tell_sinks(__builtin_ctzll(bits) + 1);
    serving_signals.publish(false);
  }
}

[[noreturn]] void throw_errno(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

int signal_named(std::string_view text) noexcept {
  constexpr std::array<std::pair<std::string_view, int>, 7> names{{{"QUIT", SIGQUIT},
                                                                   {"USR1", SIGUSR1},
                                                                   {"USR2", SIGUSR2},
                                                                   {"HUP", SIGHUP},
                                                                   {"INT", SIGINT},
                                                                   {"TERM", SIGTERM},
                                                                   {"WINCH", SIGWINCH}}};
  if (text.substr(0, 3) == "SIG") text.remove_prefix(3);
  for (const auto& [name, number] : names)
    if (name == text) return number;
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && can_take_signal(number) ? number : 0;
}

bool can_take_signal(int number) noexcept {
  switch (number) {
    case SIGKILL:
    case SIGSTOP:  // the system refuses
    case SIGSEGV:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:  // after the handler, the same instruction would fault again
      return false;
    default:
      return number >= 1 && number < signal_numbers;
  }
}

namespace {

void add_sink_locked(signal_sink sink) noexcept {
  for (auto& each : signal_sinks) {
    if (each.read() == sink) return;
    if (each.read()) continue;
    return each.publish(sink);
  }
}

}  // namespace

void start_signal_thread(signal_sink sink) {
  std::lock_guard guard(signal_mutex);
  add_sink_locked(sink);
  if (signal_event >= 0) return;
  const int event = ::eventfd(0, EFD_CLOEXEC);
  if (event < 0) throw_errno("weft: no eventfd for signals");
  signal_event = event;
  // It blocks no signals: a worker that is started from it would inherit that.
  try {
    start_thread(serve_signals, nullptr);
    signal_thread_started.publish(true);
  } catch (...) {
    ::close(event);
    signal_event = -1;
    throw;
  }
}

void take_signal(int number, wakes whom) {
  std::lock_guard guard(signal_mutex);
  taken_signal& taken = taken_signals.at(static_cast<std::size_t>(number));
  if (taken.count == 0) {
    struct sigaction ours {};
    ours.sa_handler = note_signal;
    ours.sa_flags = SA_RESTART | SA_ONSTACK;
    ::sigfillset(&ours.sa_mask);
    if (::sigaction(number, &ours, &taken.before) != 0) throw_errno("weft: signal not taken");
  }
  ++taken.count;
  // Order: none. A count.
  if (whom == wakes::somebody) awaited_count.fetch_add(1, relaxed);
}

int awaited_signal_count() noexcept {
  // Order: none. A count.
  return awaited_count.load(relaxed);
}
bool signal_thread_runs() noexcept { return signal_thread_started.read(); }

void give_back_signal(int number) noexcept {
  {
    std::lock_guard guard(signal_mutex);
    taken_signal& taken = taken_signals[static_cast<std::size_t>(number)];
    // Order: none. A count.
    awaited_count.fetch_sub(1, relaxed);
    if (--taken.count > 0) return;
    struct sigaction now {};
    const bool ours = ::sigaction(number, nullptr, &now) == 0 && now.sa_handler == note_signal;
    if (ours) ::sigaction(number, &taken.before, nullptr);
  }
  const std::uint64_t bit = std::uint64_t{1} << (number - 1);
  // Order: pending. What came before must not reach who takes the signal after this.
  while ((pending_signals.load(acquire) & bit) != 0 || serving_signals.read()) yield_thread();
}

}  // namespace weft::detail
