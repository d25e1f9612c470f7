// Once: many want it, one does it, all see what was done.
#include <atomic>
#include <cstdio>
#include <string>

#include <weft/weft.hpp>

namespace {

weft::once logging_set_up;  // a static one costs nothing before main
std::atomic<int> set_ups{0};

void log(const std::string& line, std::atomic<int>& lines) {
  logging_set_up.call([] { ++set_ups; });
  if (!line.empty()) ++lines;
}

}  // namespace

int main() {
  std::atomic<int> lines{0};
  weft::wait_group all;
  for (int i = 0; i < 10; ++i) all.go([&] { log("hello", lines); });
  all.wait();
  std::printf("%d lines, set up %d time\n", lines.load(), set_ups.load());

  // A value that is computed when somebody first asks for it.
  const auto answer = weft::once_value([] {
    std::puts("computing");
    return 42;
  });
  std::printf("%d\n", answer());
  std::printf("%d\n", answer());
}

// Prints:
// 10 lines, set up 1 time
// computing
// 42
// 42
