// Ctrl-C ends the work in an orderly way. Here the program interrupts itself.
#include <chrono>
#include <csignal>
#include <iostream>

#include <weft/weft.hpp>

int main() {
  auto [ctx, stop] = weft::notify_context(weft::background(), {SIGINT, SIGTERM});
  weft::wait_group workers;
  for (int i = 0; i < 3; ++i)
    workers.go([ctx = ctx] {
      while (weft::sleep_for(ctx, std::chrono::milliseconds(1))) {
      }
    });

  std::raise(SIGINT);
  ctx.done().recv();
  stop();  // from here on a second Ctrl-C ends the program at once
  workers.wait();
  try {
    ctx.throw_if_cancelled();
  } catch (const weft::signal_received& reason) {
    std::cout << reason.what() << ", all workers have ended\n";
  }
}

// Prints:
// interrupt signal received, all workers have ended
