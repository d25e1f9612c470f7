// Cancelling something that knows no contexts: here a library that only has a stop switch.
#include <iostream>

#include <weft/weft.hpp>

/// Somebody else's: plays until it is switched off.
class gramophone {
 public:
  void play() const { switched_off_.recv(); }
  void switch_off() const { switched_off_.close(); }

 private:
  weft::chan<void> switched_off_;
};

void play(const weft::context& ctx) {
  const gramophone player;
  const auto stop = weft::after_func(ctx, [player] { player.switch_off(); });
  player.play();
  std::cout << (stop() ? "the record ended" : "switched off") << '\n';
}

int main() {
  auto [ctx, cancel] = weft::with_cancel(weft::background());
  weft::go([cancel = cancel] { cancel(); });
  play(ctx);

  // Stopped in time, the function does not run.
  auto [quiet, cancel_quiet] = weft::with_cancel(weft::background());
  const auto stop = weft::after_func(quiet, [] { std::cout << "never\n"; });
  std::cout << std::boolalpha << stop() << '\n';
  cancel_quiet();
}

// Prints:
// switched off
// true
