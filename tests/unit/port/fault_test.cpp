// Listeners of fatal signals: who is heard, who is left alone, and what the process dies of.
#include "port/fault.hpp"

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

#include "port/switch/sanitizer.hpp"
#include "unit_support.hpp"

namespace {

using weft::detail::alternate_stack;
using weft::detail::begin_last_words;
using weft::detail::end_last_words;
using weft::detail::watch_crashes;
using weft::detail::watch_memory_faults;

class fault : public unit::in_a_fresh_process {
 protected:
  void SetUp() override {
    if (weft::detail::with_asan || weft::detail::sanitizer_thread_count > 0)
      GTEST_SKIP() << "a sanitizer keeps these signals for itself";
    unit::in_a_fresh_process::SetUp();
  }
};

void say(const char* words) {
  if (::write(2, words, std::char_traits<char>::length(words)) < 0) std::abort();
}

void listen(const weft::detail::fault& seen) noexcept {
  char text[80];
  std::snprintf(text, sizeof text, "heard of %d at %d\n", seen.signal,
                seen.has_address ? static_cast<int>(seen.address) : -1);
  say(text);
}

void touch(std::uintptr_t address) { *reinterpret_cast<volatile int*>(address) = 1; }

TEST_F(fault, is_heard_of_and_then_happens_again) {
  EXPECT_EXIT(
      {
        watch_memory_faults(listen);
        touch(16);
      },
      testing::KilledBySignal(SIGSEGV), "^heard of 11 at 16\n$");
}

TEST_F(fault, that_somebody_sends_has_no_address) {
  EXPECT_EXIT(
      {
        watch_crashes(listen);
        ::kill(::getpid(), SIGBUS);
        for (;;) ::pause();
      },
      testing::KilledBySignal(SIGBUS), "^heard of 7 at -1\n$");
}

TEST_F(fault, of_memory_is_not_heard_of_when_somebody_else_handles_it) {
  EXPECT_EXIT(
      {
        ::signal(SIGSEGV, [](int) { std::_Exit(4); });
        watch_memory_faults(listen);
        touch(16);
      },
      testing::ExitedWithCode(4), "^$");
}

TEST_F(fault, is_passed_on_to_the_handler_before) {
  EXPECT_EXIT(
      {
        ::signal(SIGFPE, [](int) { std::_Exit(4); });
        watch_crashes(listen);
        ::raise(SIGFPE);
      },
      testing::ExitedWithCode(4), "^heard of 8 at -1\n$");
}

// What a debugger or a garbage collector does: it mends what was wrong, and the program goes on.
TEST_F(fault, that_the_handler_before_mends_is_over) {
  EXPECT_EXIT(
      {
        ::signal(SIGILL, [](int) { say("mended\n"); });
        watch_crashes(listen);
        ::raise(SIGILL);
        ::raise(SIGILL);
        std::_Exit(3);
      },
      testing::ExitedWithCode(3), "^heard of 4 at -1\nmended\nheard of 4 at -1\nmended\n$");
}

// The report wants a lock that the crash has left locked, say: malloc's.
TEST_F(fault, whose_report_hangs_still_ends_the_process) {
  EXPECT_EXIT(
      {
        watch_memory_faults([](const weft::detail::fault&) noexcept {
          ::alarm(1);  // instead of the ten seconds
          for (;;) ::pause();
        });
        touch(16);
      },
      testing::KilledBySignal(SIGSEGV), "the report could not be finished");
}

TEST_F(fault, in_a_listener_ends_the_process) {
  EXPECT_EXIT(
      {
        watch_memory_faults([](const weft::detail::fault&) noexcept { touch(24); });
        touch(16);
      },
      testing::KilledBySignal(SIGSEGV), "^$");
}

bool has_alternate_stack() {
  stack_t now{};
  return ::sigaltstack(nullptr, &now) == 0 && (now.ss_flags & SS_DISABLE) == 0;
}

TEST_F(fault, an_alternate_stack_is_the_threads_own_for_a_scope) {
  EXPECT_EXIT(
      {
        bool holds = true;
        std::thread([&holds] {
          const bool before = has_alternate_stack();
          {
            const alternate_stack unwatched;
            holds = has_alternate_stack() == before;
          }
          watch_memory_faults(listen);
          {
            const alternate_stack own;
            holds = holds && has_alternate_stack();
            { const alternate_stack second; }  // leaves the first alone
            holds = holds && has_alternate_stack();
          }
          holds = holds && has_alternate_stack() == before;
        }).join();
        unit::end_with(holds);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(fault, last_words_are_one_threads) {
  EXPECT_EXIT(
      {
        const bool first = begin_last_words();
        const bool again = begin_last_words();
        bool other = false;
        std::thread waits([&other] { other = begin_last_words(); });
        end_last_words();
        waits.join();
        unit::end_with(first && !again && other);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
