// A std::jthread's token ends a wait in weft, and a context ends what knows only stop tokens.
#include <iostream>
#include <stop_token>
#include <thread>

#include <weft/weft.hpp>

int main() {
  const weft::chan<int> never;
  {
    std::jthread worker([&](const std::stop_token& token) {
      if (never.recv(token).status() == weft::channel_status::cancelled)
        std::cout << "the thread was asked to stop\n";
    });
  }  // ~jthread stops and joins

  // A context below both: whichever ends first.
  std::stop_source shutdown;
  auto [request, cancel] = weft::with_cancel(weft::background());
  auto [both, cancel_both] = weft::with_stop_token(request, shutdown.get_token());
  const std::stop_callback callback(both.stop_token(),
                                    [] { std::cout << "the callback was called\n"; });
  shutdown.request_stop();
  std::cout << both.err().message() << ", the request: " << request.err().message() << '\n';
}

// Prints:
// the thread was asked to stop
// the callback was called
// context canceled, the request: Success
