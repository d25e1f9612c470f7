// One value, ever: several servers are asked, the first answer counts. Whoever comes later finds
// the oneshot closed, which the send closed, and needs not wait for anybody to listen.
#include <array>
#include <iostream>
#include <string>

#include <weft/weft.hpp>

int main() {
  weft::oneshot<std::string> answer;
  weft::wait_group servers;
  std::array<bool, 3> won{};
  for (std::size_t s = 0; s < won.size(); ++s)
    servers.go(
        [=, &won] { won.at(s) = answer.try_send("the answer") == weft::channel_status::ok; });
  servers.wait();

  std::cout << *answer.recv() << '\n';
  std::cout << won[0] + won[1] + won[2] << " of 3 servers gave it\n";
  std::cout << (answer.recv() ? "another" : "no other") << " answer\n";
}
// Prints:
// the answer
// 1 of 3 servers gave it
// no other answer
