// The snippets of the guide's page about goroutines that never end.
#include <iostream>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include <weft/weft.hpp>

namespace {

using namespace std::chrono_literals;

/// What a test would be about.
class server {
 public:
  server() {
    weft::go(weft::named("reader"), [in = requests_] {
      for ([[maybe_unused]] const int request : in) {
      }
    });
  }
  ~server() { requests_.close(); }

 private:
  weft::chan<int> requests_{4};
};

TEST(Server, Stops) {
  weft::leak_check guard;
  { const server s; }
  EXPECT_EQ(guard.leaks(), "");  // or the list of those that are left
}

TEST(Snippets, FindStuckGoroutines) {
  auto pair = std::make_shared<std::pair<weft::mutex, weft::mutex>>();
  weft::go(weft::named("twice"), [pair] {
    pair->first.lock();
    pair->first.lock();
    pair->first.unlock();
  });
  std::string all;
  while (all.empty()) {
    weft::sleep_for(1ms);
    for (const weft::stuck_goroutine& g : weft::find_stuck_goroutines().found)
      all += "goroutine " + std::to_string(g.id) + " " + g.why + "\n";
  }
  EXPECT_NE(all.find("waits for a mutex that was locked on its own stack"), std::string::npos);
  pair->first.unlock();
  weft::leak_check().dismiss();
}

}  // namespace
