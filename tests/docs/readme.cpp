// The example of README.md.
#include <chrono>
#include <iostream>
#include <optional>

#include <weft/weft.hpp>

using namespace std::chrono_literals;

int main() {
  weft::chan<int> jobs(16);  // Go: make(chan int, 16)
  weft::chan<int> squares;   // unbuffered: sender and receiver meet
  weft::wait_group workers;

  for (int w = 0; w < 4; ++w)
    workers.go([=] {
      for (int job : jobs) squares.send(job * job);  // until jobs is closed and empty
    });
  weft::go([=] {
    for (int job = 1; job <= 36; ++job) jobs.send(job);
    jobs.close();
    workers.wait();
    squares.close();
  });

  int count = 0, sum = 0;
  for (bool more = true; more;)
    weft::select(weft::on_recv(squares,
                               [&](std::optional<int> square) {
                                 if (!square) return void(more = false);  // closed
                                 ++count;
                                 sum += *square;
                               }),
                 weft::on_timeout(2s, [&] { more = false; }));
  std::cout << count << " squares, " << sum << " in all\n";
}
