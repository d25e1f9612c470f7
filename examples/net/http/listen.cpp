#include "listen.hpp"

#include <csignal>
#include <exception>
#include <iostream>
#include <system_error>
#include <utility>

#include <weft/weft.hpp>

namespace web {

namespace {

void serve_one(connections& all, weft::net::tcp_stream stream, const connection_handler& handle) {
  connections::entry entry(all, stream);
  try {
    handle(entry);
  } catch (const std::exception& e) {  // one connection's trouble is not the server's
    std::cerr << "connection ended by an error: " << e.what() << '\n';
  }
}

/// Until the listener is closed.
void accept_all(weft::net::tcp_listener& listener, connections& all,
                const connection_handler& handle, const weft::wait_group& serving) {
  for (;;) {
    std::error_code ec;
    weft::net::tcp_stream stream = listener.accept(ec);
    if (ec == weft::io_errc::closed) return;
    if (ec) throw std::system_error(ec, "accept");
    serving.go(
        [&, stream = std::move(stream)]() mutable { serve_one(all, std::move(stream), handle); });
  }
}

}  // namespace

bool listen_and_serve(weft::net::tcp_listener& listener, const limits& limits,
                      const connection_handler& handle) {
  auto [signalled, give_back] = weft::notify_context(weft::background(), {SIGINT, SIGTERM});
  connections all;
  const weft::wait_group serving;
  serving.go(weft::named("accept"), [&] { accept_all(listener, all, handle, serving); });

  signalled.done().recv();
  give_back();  // a second signal ends the program at once
  listener.close();
  all.end_all();
  if (serving.wait_for(limits.grace)) return true;
  all.close_all();
  serving.wait();
  return false;
}

}  // namespace web
