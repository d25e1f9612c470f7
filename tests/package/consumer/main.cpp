// A little of everything that must link: goroutines, channels, select, a wait group, a timer.
#include <chrono>
#include <cstdio>
#include <optional>

#include <weft/weft.hpp>

int main() {
  static_assert(WEFT_VERSION >= 100);
  weft::chan<int> numbers(4);
  weft::chan<int> squares;
  weft::wait_group workers;
  for (int i = 0; i < 3; ++i)
    workers.go([=] {
      for (int n : numbers) squares.send(n * n);
    });
  weft::go([=] {
    for (int n = 1; n <= 10; ++n) numbers.send(n);
    numbers.close();
    workers.wait();
    squares.close();
  });

  int sum = 0;
  for (bool open = true; open;)
    weft::select(weft::on_recv(squares,
                               [&](std::optional<int> square) {
                                 if (square)
                                   sum += *square;
                                 else
                                   open = false;
                               }),
                 weft::on_timeout(std::chrono::minutes(5), [&] { open = false; }));
  std::printf("sum of squares: %d\n", sum);
  return sum == 385 ? 0 : 1;
}
