// The newest value counts: a controller follows a temperature. What was measured while it was busy
// is skipped; it acts on what is so now. `select` lets it listen to the switch as well.
#include <iostream>
#include <optional>

#include <weft/weft.hpp>

int main() {
  weft::watch<int> temperature(18);
  weft::chan<void> off;
  weft::chan<void> acted;

  weft::go([=, changes = temperature.subscribe()] {
    for (bool on = true; on;) {
      std::optional<int> now;
      if (weft::select(weft::on_recv(changes, now), weft::on_recv(off)) == 1) {
        on = false;
      } else {
        std::cout << *now << " degrees: " << (*now < 20 ? "heat" : "rest") << '\n';
      }
      acted.send();
    }
  });

  acted.recv();  // on 18, with which it began
  for (int measured : {19, 20, 21, 22}) {
    temperature.send(measured);
    acted.recv();
  }
  off.send();
  acted.recv();
  for (int measured : {23, 24, 25}) temperature.send(measured);

  const auto late = temperature.subscribe();
  std::cout << "it is " << temperature.value() << ", and who asks late hears " << *late.recv()
            << '\n';
}
// Prints:
// 18 degrees: heat
// 19 degrees: heat
// 20 degrees: rest
// 21 degrees: rest
// 22 degrees: rest
// it is 25, and who asks late hears 25
