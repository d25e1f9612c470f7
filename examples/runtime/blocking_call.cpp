// One processor, and a goroutine in a call that blocks its thread: the others go on all the same.
#include <unistd.h>

#include <array>
#include <iostream>
#include <string>

#include <weft/weft.hpp>

int main() {
  weft::set_max_procs(1);
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return 1;

  const weft::chan<std::string> heard(1);
  weft::go(weft::named("listener"), [=] {
    std::array<char, 16> text{};
    // A plain system call. Without weft::blocking the monitor would notice it after a while.
    const ssize_t count = weft::blocking([&] { return ::read(ends[0], text.data(), text.size()); });
    heard.send(std::string(text.data(), static_cast<std::size_t>(count)));
  });

  const weft::chan<int> squares;
  weft::go([=] {
    for (int i = 1; i <= 3; ++i) squares.send(i * i);
    squares.close();
  });
  for (const int square : squares) std::cout << square << '\n';

  if (::write(ends[1], "hello", 5) != 5) return 1;
  std::cout << "heard: " << *heard.recv() << '\n';
  ::close(ends[0]);
  ::close(ends[1]);
}
// Prints:
// 1
// 4
// 9
// heard: hello
