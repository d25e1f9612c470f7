// Handlers of fatal signals.
//
// Orders: last-words: none; a thread compares the number with its own.
#include "port/fault.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include <weft/detail/atomic.hpp>

#include "port/stack_memory.hpp"
#include "port/switch/sanitizer.hpp"
#include "port/thread.hpp"

namespace weft::detail {
namespace {

/// A report that takes longer hangs: on a lock of malloc's, perhaps, that the crash left locked.
constexpr unsigned report_seconds = 10;

constexpr std::array<int, 5> fatal_signals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

struct watched_signal {
  published<bool> taken{false};
  struct sigaction before {};
};
constinit std::array<watched_signal, fatal_signals.size()> watched_signals;
constinit published<fault_listener> memory_listener{nullptr};
constinit published<fault_listener> crash_listener{nullptr};
constinit published<mender> asked_mender{nullptr};
constinit inner_atomic<int> last_words_thread{0};
constinit hint<int> reported_signal{0};

watched_signal& watched(int signal) noexcept {
  std::size_t i = 0;
  while (i + 1 < fatal_signals.size() && fatal_signals[i] != signal) ++i;
  return watched_signals[i];
}

void take_default_action(int signal) noexcept {
  struct sigaction plain {};
  plain.sa_handler = SIG_DFL;
  ::sigaction(signal, &plain, nullptr);
}

/// The report hangs: the process dies of what it would have died of.
void give_up(int) {
  constexpr char words[] = "weft: the report could not be finished\n";
  if (::write(STDERR_FILENO, words, sizeof words - 1) < 0) {
  }
  const int signal = reported_signal.read();
  take_default_action(signal);
  sigset_t blocked;  // while its handler runs, and this may have interrupted that
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, signal);
  ::pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
  ::kill(::getpid(), signal);
}

/// An alarm for as long as a listener runs in a handler.
class report_deadline {
 public:
  explicit report_deadline(int signal) noexcept {
    reported_signal.write(signal);
    struct sigaction ours {};
    ours.sa_handler = give_up;
    ours.sa_flags = SA_ONSTACK;
    ::sigaction(SIGALRM, &ours, &before_);
    sigset_t alarm_only;
    ::sigemptyset(&alarm_only);
    ::sigaddset(&alarm_only, SIGALRM);
    ::pthread_sigmask(SIG_UNBLOCK, &alarm_only, &mask_before_);
    seconds_before_ = ::alarm(report_seconds);
  }
  report_deadline(const report_deadline&) = delete;
  report_deadline& operator=(const report_deadline&) = delete;
  ~report_deadline() {
    ::alarm(0);
    ::sigaction(SIGALRM, &before_, nullptr);
    ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
    if (seconds_before_ > 0) ::alarm(seconds_before_);
  }

 private:
  struct sigaction before_ {};
  sigset_t mask_before_;
  unsigned seconds_before_ = 0;
};

std::uintptr_t stack_pointer_of(const void* ucontext) noexcept {
  const auto& context = *static_cast<const ucontext_t*>(ucontext);
#if defined(__x86_64__)
  return static_cast<std::uintptr_t>(context.uc_mcontext.gregs[REG_RSP]);
#else
  return context.uc_mcontext.sp;
#endif
}

void tell(int signal, const siginfo_t& info, const void* ucontext) noexcept {
  const fault_listener crashes = crash_listener.read();
  const fault_listener memory = memory_listener.read();
  if (!begin_last_words()) return;
  {
    const report_deadline deadline(signal);
    const bool is_memory = signal == SIGSEGV || signal == SIGBUS;
    // Safety: an address is compared and printed, not used.
    const fault seen{signal, is_memory && info.si_code > 0 && info.si_code != SI_KERNEL,
                     reinterpret_cast<std::uintptr_t>(info.si_addr), stack_pointer_of(ucontext),
                     ucontext};
    if (memory && is_memory) memory(seen);
    if (crashes) crashes(seen);
  }
  end_last_words();
}

/// Whoever was there before, or the default: the fault happens again after the return.
void pass_on(int signal, siginfo_t* info, void* ucontext) noexcept {
  const struct sigaction& before = watched(signal).before;
  if ((before.sa_flags & SA_SIGINFO) != 0) return before.sa_sigaction(signal, info, ucontext);
  if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
    return before.sa_handler(signal);
  take_default_action(signal);
  if (info->si_code <= 0) ::raise(signal);  // somebody sent it: nothing happens again by itself
}

/// SI_KERNEL: not at an address that could be brought back.
bool is_mended(int signal, const siginfo_t& info) noexcept {
  const mender mend = asked_mender.read();
  return mend && signal == SIGSEGV && info.si_code > 0 && info.si_code != SI_KERNEL &&
         mend(reinterpret_cast<std::uintptr_t>(info.si_addr));
}

void on_fatal_signal(int signal, siginfo_t* info, void* ucontext) {
  const int saved_errno = errno;
  if (is_mended(signal, *info)) return;
  tell(signal, *info, ucontext);
  errno = saved_errno;
  pass_on(signal, info, ucontext);
}

void take(int signal, bool only_from_default) noexcept {
  watched_signal& w = watched(signal);
  if (w.taken.read()) return;
  struct sigaction now {};
  if (::sigaction(signal, nullptr, &now) != 0) return;
  if (only_from_default && ((now.sa_flags & SA_SIGINFO) != 0 || now.sa_handler != SIG_DFL)) return;
  w.before = now;
  w.taken.publish(true);
  struct sigaction ours {};
  ours.sa_sigaction = on_fatal_signal;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigemptyset(&ours.sa_mask);
  if (::sigaction(signal, &ours, nullptr) != 0) w.taken.publish(false);
}

}  // namespace

void watch_memory_faults(fault_listener listener) noexcept {
  memory_listener.publish(listener);
  take(SIGSEGV, true);
  take(SIGBUS, true);
}

bool watch_mendable_faults(mender asked) noexcept {
  asked_mender.publish(asked);
  take(SIGSEGV, false);
  return mendable_faults_are_watched();
}

bool mendable_faults_are_watched() noexcept {
  struct sigaction now {};
  return ::sigaction(SIGSEGV, nullptr, &now) == 0 && (now.sa_flags & SA_SIGINFO) != 0 &&
         now.sa_sigaction == on_fatal_signal;
}

void watch_crashes(fault_listener listener) noexcept {
  crash_listener.publish(listener);
  for (const int signal : fatal_signals) take(signal, false);
}

alternate_stack::alternate_stack() noexcept {
  if (!watched(SIGSEGV).taken.read() && sanitizer_thread_count == 0) return;
  if (::sigaltstack(nullptr, &before_) != 0) return;
  if ((before_.ss_flags & SS_DISABLE) == 0 && before_.ss_size >= bytes) return;
  void* low = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (low == MAP_FAILED) return;
  ::madvise(low, bytes, MADV_NOHUGEPAGE);  // a huge page would commit it all at the first touch
  low_ = static_cast<std::byte*>(low);
  // Best effort: what overflows this one has lost its report anyway.
  static_cast<void>(install_guard(low_));
  stack_t ours{};
  ours.ss_sp = low_;
  ours.ss_size = bytes;
  ::sigaltstack(&ours, nullptr);
}

alternate_stack::~alternate_stack() {
  if (!low_) return;
  ::sigaltstack(&before_, nullptr);
  ::munmap(low_, bytes);
}

bool begin_last_words() noexcept {
  const int self = this_thread_number();
  for (unsigned waited_ms = 0; waited_ms < 1000 * report_seconds; ++waited_ms) {
    int speaker = 0;
    // Order: last-words. relaxed: the number is all that is read.
    if (last_words_thread.compare_exchange_strong(speaker, self, relaxed, relaxed)) return true;
    if (speaker == self) return false;
    const timespec millisecond{0, 1'000'000};
    ::nanosleep(&millisecond, nullptr);
  }
  return false;
}

// Order: last-words. See above.
void end_last_words() noexcept { last_words_thread.store(0, relaxed); }

const char* words_for_signal(int signal) noexcept {
  switch (signal) {
    case SIGSEGV:
      return "segmentation fault (SIGSEGV)";
    case SIGBUS:
      return "bus error (SIGBUS)";
    case SIGFPE:
      return "arithmetic error (SIGFPE)";
    case SIGILL:
      return "illegal instruction (SIGILL)";
    case SIGABRT:
      return "abort (SIGABRT)";
    default:
      return "fatal signal";
  }
}

}  // namespace weft::detail
