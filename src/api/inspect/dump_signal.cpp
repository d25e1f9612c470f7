// The signal that asks for a dump: WEFT_DUMP_SIGNAL, a name without SIG, or a number.
#include "api/inspect/dump_signal.hpp"

#include <array>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string_view>
#include <utility>

#include <weft/debug/dump.hpp>
#include <weft/detail/atomic.hpp>

#include "port/signal.hpp"

namespace weft::detail {
namespace {

constinit hint<int> dump_signal{0};  // 0: none is watched

/// 0: there is no such signal, or it cannot be taken.
int signal_number(std::string_view text) noexcept {
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

void print_dump(int number) {
  if (number != dump_signal.read()) return;
  try {
    const std::string text = dump();
    std::fflush(stdout);
    std::fprintf(stderr, "weft: dump of all goroutines, asked for by signal %d\n\n%s", number,
                 text.c_str());
    std::fflush(stderr);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "weft: no dump: %s\n", e.what());
  }
}

}  // namespace

void watch_dump_signal() noexcept {
  const char* wanted = std::getenv("WEFT_DUMP_SIGNAL");
  if (!wanted || *wanted == '\0') return;
  const int number = signal_number(wanted);
  if (number == 0) {
    std::fprintf(stderr, "weft: WEFT_DUMP_SIGNAL=%s: no such signal\n", wanted);
    return;
  }
  try {
    start_signal_thread(print_dump);
    dump_signal.write(number);
    take_signal(number, wakes::nobody);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "weft: WEFT_DUMP_SIGNAL=%s: %s\n", wanted, e.what());
  }
}

}  // namespace weft::detail
