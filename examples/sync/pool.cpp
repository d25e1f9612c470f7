// Pool: buffers are made once and used again.
#include <atomic>
#include <cstdio>
#include <string>

#include <weft/weft.hpp>

int main() {
  std::atomic<int> made{0};
  weft::pool<std::string> buffers([&] {
    ++made;
    std::string s;
    s.reserve(4096);
    return s;
  });

  std::atomic<std::size_t> written{0};
  weft::wait_group requests;
  for (int i = 0; i < 1000; ++i) {
    requests.go([&, i] {
      const auto buffer = buffers.borrow();  // goes back at the end of the scope
      buffer->clear();                       // it comes as it was put
      *buffer += "request ";
      *buffer += std::to_string(i % 10);
      written += buffer->size();
    });
  }
  requests.wait();
  std::printf("%zu bytes in few buffers: %s\n", written.load(), made <= 100 ? "yes" : "no");
}

// Prints:
// 9000 bytes in few buffers: yes
