// `defer` runs a function when the scope is left, however it is left: by return, by an exception or
// by `exit_goroutine`. Several of them run in reverse order, so cleaning up mirrors setting up.
#include <iostream>
#include <stdexcept>

#include <weft/weft.hpp>

void cook(bool burnt) {
  std::cout << "light the stove\n";
  weft::defer stove{[] { std::cout << "put out the stove\n"; }};
  std::cout << "lay the table\n";
  weft::defer table{[] { std::cout << "clear the table\n"; }};

  if (burnt) throw std::runtime_error("the soup is burnt");
  std::cout << "eat\n";
}

int main() {
  cook(false);
  try {
    cook(true);
  } catch (const std::exception& trouble) {
    std::cout << trouble.what() << '\n';
  }

  weft::wait_group guests;
  guests.go([] {
    weft::defer bow{[] { std::cout << "goodbye\n"; }};
    weft::exit_goroutine();
  });
  guests.wait();
}
