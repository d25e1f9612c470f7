// A chat: rooms, for as many people as the machine has memory, in the browser. HTTP gives the page;
// a WebSocket (Boost.Beast) carries the talk. Two goroutines for each client, plain sequential code
// (chat/conversation.hpp); rooms are a mutex each (chat/rooms.hpp). SIGTERM says goodbye to all.
//
//   websocket_chat --port 8080      then open the address that it prints
#include <csignal>
#include <exception>
#include <iostream>
#include <string>

#include <boost/beast/websocket/rfc6455.hpp>

#include <weft/net/asio.hpp>
#include <weft/weft.hpp>

#include "chat/conversation.hpp"
#include "chat/options.hpp"
#include "chat/page.hpp"
#include "chat/rooms.hpp"
#include "chat/text.hpp"
#include "http/access_log.hpp"
#include "http/listen.hpp"
#include "http/routes.hpp"
#include "http/session.hpp"

namespace http = web::http;

/// Another site's page must not speak for those who look at it. Programs send no Origin.
bool is_from_our_page(const web::request& r) {
  const auto origin = r.find(http::field::origin);
  if (origin == r.end()) return true;
  const std::string host = r[http::field::host];
  return origin->value() == "http://" + host || origin->value() == "https://" + host;
}

struct arrival {
  std::string room, name;
};

/// Empty names: there is none, or not one that may be shown.
arrival arrival_of(const web::request& r) {
  const auto checked = [&](std::string_view key) {
    const auto value = chat::query_value(r.target(), key);
    return (value ? chat::checked_name(*value) : std::nullopt).value_or("");
  };
  return {checked("room"), checked("name")};
}

/// GET /chat?room=...&name=... that cannot be a conversation.
web::reply refusal_of(const web::request& r) {
  using web::text_reply;
  if (!chat::websocket::is_upgrade(r)) {
    auto reply = text_reply(http::status::upgrade_required, "a WebSocket, please\n");
    reply.message.set(http::field::upgrade, "websocket");
    return reply;
  }
  if (!is_from_our_page(r)) return text_reply(http::status::forbidden, "from another site\n");
  return text_reply(http::status::bad_request, "a room and a name, please\n");
}

bool asks_for_chat(const web::request& r) {
  if (r.target() != "/chat" && !r.target().starts_with("/chat?")) return false;
  if (!chat::websocket::is_upgrade(r) || !is_from_our_page(r)) return false;
  const arrival who = arrival_of(r);
  return !who.room.empty() && !who.name.empty();
}

web::reply page(const web::request&) {
  web::reply r =
      web::text_reply(http::status::ok, std::string(chat::page), "text/html; charset=utf-8");
  r.message.set("Content-Security-Policy",
                "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
                "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
                "frame-ancestors 'none'");
  return r;
}

void converse(chat::rooms& rooms, web::connections::entry& connection, const web::request& r,
              const web::access_log& log, const chat::options& options) {
  std::error_code ec;  // it may have left already
  const std::string client = connection.stream().remote_address(ec).host();
  chat::conversation conversation(connection.stream(), options);
  const bool accepted = conversation.accept(r);
  log.line(client, "GET " + std::string(r.target()) + " HTTP/1.1", accepted ? 101 : 400, 0);
  if (!accepted) return;
  const arrival who = arrival_of(r);
  conversation.run(rooms, who.room, who.name);
}

int serve(const chat::options& options) {
  web::routes routes;
  routes.add(http::verb::get, "/", page);
  routes.add(http::verb::get, "/chat", refusal_of);
  const web::access_log log(options.log);
  const web::site site{routes, options.http, log, asks_for_chat};
  chat::rooms rooms(options.room);

  const auto [signalled, give_back] = weft::notify_context(weft::background(), {SIGINT, SIGTERM});
  const weft::wait_group ending;
  const weft::defer ended([&ending, &give_back = give_back] {
    give_back();
    ending.wait();
  });
  ending.go([&, &signalled = signalled, &give_back = give_back] {
    signalled.done().recv();
    give_back();
    rooms.end();
  });

  weft::net::tcp_listener listener(weft::net::address::loopback(options.port));
  std::cout << "listening on http://" << listener.local_address().to_string() << std::endl;
  const bool in_time =
      web::listen_and_serve(listener, options.http, [&](web::connections::entry& connection) {
        weft::net::asio_stream stream(connection.stream());
        web::session session(stream, connection, site);
        session.run();
        if (session.taken()) converse(rooms, connection, *session.taken(), log, options);
        web::linger(connection);
      });
  std::cout << (in_time ? "ended" : "ended; some connections were cut off") << std::endl;
  return 0;
}

int main(int argc, char** argv) {
  const auto options = chat::parse_options(argc, argv);
  if (!options) return 2;
  try {
    return weft::run([&] { return serve(*options); });
  } catch (const std::exception& e) {
    std::cerr << "websocket_chat: " << e.what() << '\n';
    return 1;
  }
}
