// One goroutine for each number, on every processor there is. The wait group counts those that
// still run, so main waits exactly as long as it must and no sleep is needed.
#include <iostream>
#include <syncstream>

#include <weft/weft.hpp>

int main() {
  weft::set_max_procs(weft::num_cpu());

  weft::wait_group workers;
  for (int number : {1, 2, 3, 4, 5})
    workers.go([number] { std::osyncstream(std::cout) << "Processed: " << number * 2 << '\n'; });
  workers.wait();
}
