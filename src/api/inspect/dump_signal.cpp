// The signal that asks for a dump: WEFT_DUMP_SIGNAL, a name without SIG, or a number.
#include "api/inspect/dump_signal.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>

#include <weft/debug/dump.hpp>
#include <weft/detail/atomic.hpp>

#include "port/signal.hpp"

namespace weft::detail {
namespace {

constinit hint<int> dump_signal{0};  // 0: none is watched

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
  const int number = signal_named(wanted);
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
