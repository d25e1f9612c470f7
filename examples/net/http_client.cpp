// Fetches one page and prints the answer, as `curl -iL` does.
//
//   http_client [--head] URL [CA_FILE]
#include <csignal>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include <weft/weft.hpp>

#include "client/client.hpp"
#include "client/url.hpp"

using web::client;

void print_head(const web::response& r) {
  std::cout << "HTTP/1.1 " << r.status << ' ' << r.reason << '\n';
  for (const auto& [name, value] : r.fields) std::cout << name << ": " << value << '\n';
  std::cout << '\n';
}

void fetch(client& http, client::method how, web::url from) {
  constexpr int redirections_max = 10;
  const auto [ctx, give_back] = weft::notify_context(weft::background(), {SIGINT, SIGTERM});
  bool headed = false;
  const auto print = [&](const web::response& r, std::string_view piece) {
    if (!std::exchange(headed, true)) print_head(r);
    return static_cast<bool>(std::cout << piece);
  };
  for (int i = 0; i <= redirections_max; ++i) {
    headed = false;
    const web::response r = http.fetch(ctx, how, from, print);
    const auto elsewhere = r.redirection();
    if (!elsewhere) return;
    const web::reference to = web::resolve(from, *elsewhere);
    if (to.what != web::reference::kind::page) throw web::fetch_error("redirected to nowhere");
    from = to.to;
  }
  throw web::fetch_error("too many redirections");
}

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  const bool head = !words.empty() && words[0] == "--head";
  if (head) words.erase(words.begin());
  const auto from = words.empty() ? std::nullopt : web::parse_url(words[0]);
  if (!from) {
    std::cerr << "http_client [--head] URL [CA_FILE]\n";
    return 2;
  }
  try {
    client http({.timeout = std::chrono::minutes(1), .ca_file = words.size() > 1 ? words[1] : ""});
    fetch(http, head ? client::method::head : client::method::get, *from);
  } catch (const std::exception& e) {
    std::cerr << "http_client: " << words[0] << ": " << e.what() << '\n';
    return 1;
  }
}
