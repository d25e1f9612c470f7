// Two tasks at once: each prints three lines, one second apart, and neither waits for the other.
// `weft::go` starts a function and returns at once; main, an ordinary thread, sleeps until both
// are through.
#include <chrono>
#include <iostream>
#include <string>
#include <syncstream>

#include <weft/weft.hpp>

using namespace std::chrono_literals;

void print_numbers(const std::string& name) {
  for (int i = 1; i <= 3; ++i) {
    std::osyncstream(std::cout) << name << " : " << i << '\n';
    weft::sleep_for(1s);
  }
}

int main() {
  weft::go(print_numbers, "Task 1");
  weft::go(print_numbers, "Task 2");
  weft::sleep_for(4s);
}
