// The same two tasks on two processors. With one processor they took turns; with two they may run
// at the same instant. Nothing else in the program changes: concurrency is how it is written,
// parallelism is how it is run.
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
  weft::set_max_procs(2);
  weft::go(print_numbers, "Task 1");
  weft::go(print_numbers, "Task 2");
  weft::sleep_for(4s);
}
