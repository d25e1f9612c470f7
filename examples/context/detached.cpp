// Work that must go on when the request is over keeps its values, not its cancellation.
#include <iostream>
#include <string>

#include <weft/weft.hpp>

inline const weft::context_key<std::string> user;

int main() {
  auto [request, cancel] =
      weft::with_cancel(weft::with_value(weft::background(), user, std::string("ada")));
  const weft::chan<void> hung_up;
  weft::wait_group background_work;
  background_work.go([hung_up, ctx = weft::without_cancel(request)] {
    hung_up.recv();
    std::cout << "an audit line for " << *ctx.value(user) << ": "
              << (ctx.cancelled() ? "cancelled" : "written") << '\n';
  });

  cancel();  // the client hung up
  std::cout << request.err().message() << '\n';
  hung_up.close();
  background_work.wait();
}

// Prints:
// context canceled
// an audit line for ada: written
