// Single flight: a hundred ask for the same page at the same time, and it is fetched once.
#include <atomic>
#include <cstdio>
#include <string>

#include <weft/weft.hpp>

int main() {
  weft::single_flight<std::string, std::string> pages;
  std::atomic<int> fetched{0};
  weft::latch all_ask(100);

  const auto fetch = [&] {
    ++fetched;
    all_ask.wait();  // slow: meanwhile everybody asks
    return std::string("<html>");
  };

  std::atomic<int> answered{0};
  weft::wait_group clients;
  for (int i = 0; i < 100; ++i) {
    clients.go([&] {
      all_ask.count_down();
      if (pages.call("/index", fetch).value == "<html>") ++answered;
    });
  }
  clients.wait();
  std::printf("%d answers\n", answered.load());
  std::printf("fetched for each of them: %s\n", fetched < 100 ? "no" : "yes");

  const auto again = pages.call("/index", fetch);
  std::printf("kept for later: %s, shared: %s\n", fetched > 1 ? "no" : "yes",
              again.shared ? "yes" : "no");
}

// Prints:
// 100 answers
// fetched for each of them: no
// kept for later: no, shared: no
