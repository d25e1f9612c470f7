// A queue that its own workers fill: a directory tree, where whoever looks into a directory finds
// more of them. With a bounded channel all workers could wait to send, and nobody would receive.
#include <atomic>
#include <iostream>

#include <weft/weft.hpp>

int main() {
  constexpr int depth_max = 12;
  weft::unbounded_chan<int> directories;  // how deep each is
  weft::wait_group pending;
  std::atomic<int> seen{0};

  pending.add();
  directories.send(0);
  weft::wait_group workers;
  for (int w = 0; w < 4; ++w)
    workers.go([=, &seen] {
      for (int depth : directories) {
        ++seen;
        if (depth < depth_max) {
          pending.add(2);  // two in each
          directories.send(depth + 1);
          directories.send(depth + 1);
        }
        pending.done();
      }
    });

  pending.wait();
  directories.close();
  workers.wait();
  std::cout << seen << " directories\n";
}
// Prints:
// 8191 directories
