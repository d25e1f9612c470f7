// A deadline for a whole operation: whatever it waits for gives up when the time is over, and says
// why.
#include <chrono>
#include <iostream>
#include <string>

#include <weft/weft.hpp>

using namespace std::chrono_literals;

/// A server that answers after `delay`.
weft::recv_chan<std::string> ask_server(std::chrono::milliseconds delay) {
  weft::chan<std::string> answer(1);
  weft::go([=] {
    weft::sleep_for(delay);
    answer.send("42");
  });
  return answer;
}

std::string ask(const weft::context& ctx, std::chrono::milliseconds delay) {
  if (auto answer = ask_server(delay).recv(ctx)) return *answer;
  return ctx.err().message();
}

int main() {
  auto [patient, end_patient] = weft::with_timeout(weft::background(), 1h);
  std::cout << ask(patient, 1ms) << '\n';

  auto [hasty, end_hasty] = weft::with_timeout(patient, 5ms);
  std::cout << ask(hasty, 1h) << '\n';
  std::cout << std::boolalpha << (hasty.err() == std::errc::timed_out) << '\n';

  end_patient();  // it will not be needed: the timer goes
  std::cout << ask(patient, 1h) << '\n';
}

// Prints:
// 42
// context deadline exceeded
// true
// context canceled
