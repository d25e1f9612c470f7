// A buffered channel as a semaphore: its capacity is the number of places. To send is to take a
// place and waits while all are taken; to receive gives it back. Ten jobs, never more than three
// at once.
#include <chrono>
#include <iostream>
#include <syncstream>

#include <weft/weft.hpp>

using namespace std::chrono_literals;

int main() {
  weft::chan<void> places(3);
  weft::wait_group jobs;
  for (int job = 1; job <= 10; ++job)
    jobs.go([=] {
      places.send();
      weft::defer leave{[&] { places.recv(); }};
      std::osyncstream(std::cout) << "job " << job << ", places taken: " << places.size() << '\n';
      weft::sleep_for(20ms);
    });
  jobs.wait();
}
