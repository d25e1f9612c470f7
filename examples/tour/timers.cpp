// Time as a channel: `after` delivers once, a `ticker` again and again. `after_func` runs a
// function later, and a `timer` can be stopped before it is due.
#include <chrono>
#include <iostream>

#include <weft/weft.hpp>

using namespace std::chrono_literals;

int main() {
  weft::after(20ms).recv();
  std::cout << "20 ms are over\n";

  weft::ticker metronome(10ms);
  for (int beat = 1; beat <= 3; ++beat) {
    metronome.channel().recv();
    std::cout << "beat " << beat << '\n';
  }
  metronome.stop();

  weft::chan<void> called;
  weft::after_func(10ms, [=] { called.send(); });
  called.recv();
  std::cout << "called back\n";

  weft::timer alarm(1h);
  if (alarm.stop()) std::cout << "stopped the alarm in time\n";
}
