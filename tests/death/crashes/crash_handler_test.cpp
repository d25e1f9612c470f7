// install_crash_handler: fatal signals and std::terminate name the goroutine or the thread, and
// then do what they would have done.
#include <unistd.h>

#include <stdexcept>
#include <thread>

#include <weft/debug/crash.hpp>

#include "crash_support.hpp"

namespace {

using namespace crashes;
using ::testing::ExitedWithCode;

class crash_handler : public at_processors {
 protected:
  void SetUp() override {
    if (with_asan) GTEST_SKIP() << "AddressSanitizer keeps these signals for itself";
    at_processors::SetUp();
  }
};

CRASH_FRAME void crash_here(int signal) {
  ::raise(signal);
  crash_sink = signal;
}

TEST_P(crash_handler, names_the_goroutine_and_the_function_for_every_fatal_signal) {
  const struct {
    int signal;
    const char* words;
  } all[] = {{SIGSEGV, "segmentation fault"},
             {SIGBUS, "bus error"},
             {SIGFPE, "arithmetic error"},
             {SIGILL, "illegal instruction"},
             {SIGABRT, "abort"}};
  for (const auto& each : all)
    EXPECT_EXIT(
        {
          weft::install_crash_handler();
          in_parser([signal = each.signal] { crash_here(signal); });
        },
        dies_of{each.signal},
        std::string("fatal error: ") + each.words +
            ".*\n\ngoroutine [0-9]+ 'parser', started at "
            ".*\n(.*\n)*.*crash_here\\(int\\)");
}

TEST_P(crash_handler, names_the_address_that_was_touched) {
  EXPECT_EXIT(
      {
        weft::install_crash_handler();
        in_parser([] { store_to(0x18); });
      },
      dies_of{SIGSEGV},
      "fatal error: segmentation fault \\(SIGSEGV\\) at address 0x18\n"
      "(.*\n)*.*store_to\\(");
}

TEST_P(crash_handler, finds_the_caller_of_a_null_function) {
  EXPECT_EXIT(
      {
        weft::install_crash_handler();
        in_parser([] {
          void (*volatile nothing)() = nullptr;
          nothing();
        });
      },
      dies_of{SIGSEGV},
      "at address 0x0\n\ngoroutine .*\n\\?\n\t0x0\n.*(crash|lambda|parser|"
      "operator|run)");
}

TEST_P(crash_handler, can_be_asked_for_by_the_environment) {
  const environment on("WEFT_CRASH", "1");
  EXPECT_EXIT(in_parser([] { store_to(8); }), dies_of{SIGSEGV},
              "fatal error: segmentation fault (.*\n)*.*store_to\\(");
}

TEST_P(crash_handler, names_a_plain_thread) {
  EXPECT_EXIT(
      {
        weft::install_crash_handler();
        store_to(8);
      },
      dies_of{SIGSEGV}, "thread [0-9]+ '.*', no goroutine\n(.*\n)*.*store_to\\(");
  EXPECT_EXIT(
      {
        weft::install_crash_handler();
        std::thread([] { throw std::runtime_error("boom"); }).join();
      },
      dies_of{SIGABRT}, "^panic: boom \\[std::runtime_error\\]\n\nthread [0-9]+ '");
}

TEST_P(crash_handler, tells_of_an_overflow_once) {
  EXPECT_EXIT(
      {
        weft::install_crash_handler();
        in_parser([] { dig(0); });
      },
      dies_of{SIGABRT}, "^fatal error: stack overflow: goroutine [0-9]+ 'parser' overflowed");
}

void users_handler(int, siginfo_t* info, void*) {
  constexpr char words[] = "the user's handler\n";
  if (::write(2, words, sizeof words - 1) < 0) std::abort();
  std::_Exit(info->si_addr == reinterpret_cast<void*>(8) ? 7 : 8);
}

TEST_P(crash_handler, passes_the_signal_on_to_who_was_there_before) {
  EXPECT_EXIT(
      {
        struct sigaction users {};
        users.sa_sigaction = users_handler;
        users.sa_flags = SA_SIGINFO;
        ::sigaction(SIGSEGV, &users, nullptr);
        weft::install_crash_handler();
        in_parser([] { store_to(8); });
      },
      ExitedWithCode(7), "fatal error: segmentation fault(.*\n)*the user's handler\n$");
}

TEST_P(crash_handler, may_be_installed_again_and_again) {
  EXPECT_EXIT(
      {
        for (int i = 0; i < 3; ++i) weft::install_crash_handler();
        weft::run([] {});
        weft::install_crash_handler();
        in_parser([] { std::abort(); });
      },
      dies_of{SIGABRT}, "^fatal error: abort");
}

TEST_P(crash_handler, tells_of_an_uncaught_exception_once) {
  EXPECT_EXIT(
      {
        weft::install_crash_handler();
        in_parser([] { throw std::runtime_error("boom"); });
      },
      dies_of{SIGABRT}, "^panic: boom");
}

WEFT_CRASHES_AT_PROCESSORS(crash_handler);

}  // namespace
