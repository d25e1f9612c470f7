// `select` waits for several channels and does exactly one thing: take what came first, give up
// after a while (`on_timeout`), or go on at once because nothing is there yet (`on_default`).
#include <chrono>
#include <iostream>
#include <optional>
#include <string>

#include <weft/weft.hpp>

using namespace std::chrono_literals;

void look(const weft::recv_chan<std::string>& mail) {
  weft::select(weft::on_recv(mail, [](auto letter) { std::cout << "got " + *letter + "\n"; }),
               weft::on_default([] { std::cout << "nothing there yet\n"; }));
}

int main() {
  weft::chan<std::string> mail(1);
  look(mail);
  mail.send("a postcard");
  look(mail);

  weft::select(weft::on_recv(mail), weft::on_timeout(50ms, [] { std::cout << "gave up\n"; }));

  // Without handlers: select returns the index of the case that proceeded.
  weft::go([=] { mail.send("a parcel"); });
  std::optional<std::string> letter;
  switch (weft::select(weft::on_recv(mail, letter), weft::on_timeout(10s))) {
    case 0:
      std::cout << "got " + *letter + "\n";
      break;
    case 1:
      std::cout << "the post is late\n";
      break;
  }
}
