// Cancelling reaches every descendant before it returns, and nobody above or beside.
#include <iostream>

#include <weft/weft.hpp>

int main() {
  auto [server, shut_down] = weft::with_cancel(weft::background());
  auto [first, hang_up_first] = weft::with_cancel(server);
  auto [second, hang_up_second] = weft::with_cancel(server);
  const weft::context query = weft::with_cancel(first).ctx;

  const auto show = [&](const char* when) {
    std::cout << when << ':';
    for (const weft::context& ctx : {server, first, query, second})
      std::cout << (ctx.cancelled() ? " cancelled" : " alive");
    std::cout << '\n';
  };
  show("at first");
  hang_up_first();
  show("one client hung up");
  shut_down();
  show("shut down");
}

// Prints:
// at first: alive alive alive alive
// one client hung up: alive cancelled cancelled alive
// shut down: cancelled cancelled cancelled cancelled
