// WEFT_DUMP_SIGNAL: the process prints all goroutines and goes on.
#include "fresh_process.hpp"

#include <unistd.h>

#include <csignal>
#include <string>

#include <weft/weft.hpp>

namespace {

using death::all_is_well;
using ::testing::ExitedWithCode;
using ::testing::KilledBySignal;

/// Reads what this process says on stderr. Before the first output.
class own_words {
 public:
  own_words() {
    int ends[2];
    if (::pipe(ends) != 0 || ::dup2(ends[1], STDERR_FILENO) < 0) std::_Exit(9);
    from_ = ends[0];
  }
  /// Returns once `words` have been said; hangs if they are not.
  void wait_for(const std::string& words) {
    while (said_.find(words) == std::string::npos) {
      char part[512];
      const ssize_t count = ::read(from_, part, sizeof part);
      if (count > 0) said_.append(part, static_cast<std::size_t>(count));
    }
    said_.clear();
  }

 private:
  int from_;
  std::string said_;
};

class dump_signal : public death::in_a_fresh_process {
 protected:
  void SetUp() override {
    in_a_fresh_process::SetUp();
    ::setenv("WEFT_DUMP_SIGNAL", "USR1", 1);
  }
  void TearDown() override {
    ::unsetenv("WEFT_DUMP_SIGNAL");
    in_a_fresh_process::TearDown();
  }
};

WEFT_DEATHS_AT_COUNTS(dump_signal);

void ask_twice(int signal) {
  own_words words;
  const weft::chan<int> c;
  const weft::chan<void> ready;
  weft::go(weft::named("parser"), [=] {
    ready.send();
    c.recv();
  });
  ready.recv();
  for (int i = 0; i < 2; ++i) {
    ::kill(::getpid(), signal);
    words.wait_for("'parser' [");
  }
  c.send(1);
  all_is_well();
}

TEST_P(dump_signal, prints_all_goroutines_each_time_and_the_program_goes_on) {
  EXPECT_EXIT(ask_twice(SIGUSR1), ExitedWithCode(0), "");
}

TEST_P(dump_signal, is_the_one_that_was_asked_for) {
  ::setenv("WEFT_DUMP_SIGNAL", "SIGQUIT", 1);
  EXPECT_EXIT(ask_twice(SIGQUIT), ExitedWithCode(0), "");
  EXPECT_EXIT(ask_twice(SIGUSR1), KilledBySignal(SIGUSR1), "");
  ::setenv("WEFT_DUMP_SIGNAL", std::to_string(SIGUSR2).c_str(), 1);
  EXPECT_EXIT(ask_twice(SIGUSR2), ExitedWithCode(0), "");
}

TEST_P(dump_signal, that_does_not_exist_is_complained_of) {
  const auto body = [] {
    weft::run([] {});
    all_is_well();
  };
  for (const char* wrong : {"NONSENSE", "KILL", "9", "0", "99", "12x"}) {
    ::setenv("WEFT_DUMP_SIGNAL", wrong, 1);
    EXPECT_EXIT(body(), ExitedWithCode(0), "no such signal") << wrong;
  }
}

TEST_P(dump_signal, keeps_nobody_from_finding_a_deadlock) {
  EXPECT_EXIT(weft::run([] { weft::chan<int>().recv(); }), ExitedWithCode(2), "deadlock!");
}

TEST_P(dump_signal, is_none_unless_asked_for) {
  ::unsetenv("WEFT_DUMP_SIGNAL");
  EXPECT_EXIT(ask_twice(SIGUSR1), KilledBySignal(SIGUSR1), "");
}

}  // namespace
