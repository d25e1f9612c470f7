// An unbuffered channel is a meeting point: whoever comes first waits for the other, the value goes
// straight from hand to hand, and only then do both walk on. What was done before the meeting is
// seen by the other side after it.
#include <iostream>
#include <string>

#include <weft/weft.hpp>

int main() {
  weft::chan<std::string> counter;
  weft::chan<void> paid;

  weft::go(weft::named("baker"), [=] {
    for (const char* bread : {"rye", "wheat", "spelt"}) {
      counter.send(bread);
      paid.recv();
    }
    counter.close();
  });

  for (const std::string& bread : counter) {
    std::cout << "took the " + bread + " bread, paying\n";
    paid.send();
  }
  std::cout << "sold out\n";
}
