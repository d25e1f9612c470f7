// Two goroutines of five lines each, half a second apart. When main returns after three seconds the
// program ends, whatever its goroutines are doing; here they had time to finish.
#include <chrono>
#include <iostream>
#include <string>
#include <syncstream>

#include <weft/weft.hpp>

using namespace std::chrono_literals;

void count(const std::string& name) {
  for (int i = 0; i < 5; ++i) {
    std::osyncstream(std::cout) << name << ' ' << i << '\n';
    weft::sleep_for(500ms);
  }
}

int main() {
  weft::go(count, "Goroutine-1");
  weft::go(count, "Goroutine-2");
  weft::sleep_for(3s);
}
