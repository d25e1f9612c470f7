// Everyone hears everything: each subscriber of a broadcast gets each value. Nobody is waited for:
// one that sleeps loses the oldest news, and knows how many.
#include <iostream>
#include <string>

#include <weft/weft.hpp>

int main() {
  weft::broadcast<std::string> news(3);
  const auto sleeper = news.subscribe();
  const auto reader = news.subscribe();

  weft::chan<void> read;
  weft::go([=] {
    for (const std::string& line : reader) {
      std::cout << "reader: " + line + "\n";
      read.send();
    }
    read.close();
  });

  for (int day = 1; day <= 5; ++day) {
    news.send("day " + std::to_string(day));
    read.recv();
  }
  news.close();
  read.recv();

  for (const std::string& line : sleeper) std::cout << "sleeper: " + line + "\n";
  std::cout << "sleeper missed " << sleeper.missed() << '\n';
}
// Prints:
// reader: day 1
// reader: day 2
// reader: day 3
// reader: day 4
// reader: day 5
// sleeper: day 3
// sleeper: day 4
// sleeper: day 5
// sleeper missed 2
