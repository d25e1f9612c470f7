// A variable of which every goroutine has its own: how deep it is in a recursion. A thread_local
// would be shared by goroutines that take turns on a thread, and lost by one that moves.
#include <iostream>
#include <string>

#include <weft/weft.hpp>

static weft::local<int> depth;
static weft::local<std::string> trail;

void descend(const std::string& who, int levels) {
  ++*depth;
  *trail += who;
  weft::yield();  // others run here, perhaps this goroutine goes on elsewhere
  if (levels > 1) descend(who, levels - 1);
}

int main() {
  weft::wait_group all;
  for (int levels : {1, 2, 3})
    all.go([=] {
      descend(std::to_string(levels), levels);
      std::cout << "depth " + std::to_string(*depth) + ", trail " + *trail + "\n";
    });
  all.wait();
  std::cout << "main: depth " << *depth << '\n';
}
// Prints, in any order:
// depth 1, trail 1
// depth 2, trail 22
// depth 3, trail 333
// main: depth 0
