// Two players and one ball. The ball is a value in an unbuffered channel, and whoever holds it may
// hit it: no lock, no shared variable. A quick rally of a million hits shows what one costs.
#include <chrono>
#include <iostream>
#include <string>

#include <weft/weft.hpp>

using table = weft::chan<int>;

void rally(int hits, bool aloud) {
  table there, back;
  auto play = [=](const char* sound, const table& from, const table& to) {
    for (int ball : from) {
      if (aloud) std::cout << std::string(sound) + " " + std::to_string(ball) + "\n";
      if (ball == hits) return to.close();
      to.send(ball + 1);
    }
    to.close();
  };
  weft::go([=] { play("ping", there, back); });
  weft::go([=] { there.send(1); });
  play("pong", back, there);
}

int main() {
  weft::run([] {
    rally(6, true);

    constexpr int hits = 1'000'000;
    const auto start = weft::clock::now();
    rally(hits, false);
    const std::chrono::duration<double, std::nano> took = weft::clock::now() - start;
    std::cout << "one hit takes " + std::to_string(took.count() / hits) + " ns\n";
  });
}
