// A configuration that many read and one replaces: readers go in together, and never see half of a
// change.
#include <atomic>
#include <cstdio>
#include <mutex>
#include <shared_mutex>
#include <string>

#include <weft/weft.hpp>

class configuration {
 public:
  std::string read() const {
    const std::shared_lock guard(m_);
    return host_ + ":" + port_;
  }
  void replace(std::string host, std::string port) {
    const std::lock_guard guard(m_);
    host_ = std::move(host);
    weft::yield();  // parking with the lock held is fine
    port_ = std::move(port);
  }

 private:
  mutable weft::shared_mutex m_;
  std::string host_ = "old.example";
  std::string port_ = "80";
};

int main() {
  configuration config;
  std::atomic<int> strange{0};
  const weft::wait_group all;
  for (int i = 0; i < 100; ++i)
    all.go([&] {
      for (int turn = 0; turn < 10; ++turn) {
        const std::string seen = config.read();
        if (seen != "old.example:80" && seen != "new.example:443") ++strange;
        weft::yield();
      }
    });
  all.go([&] { config.replace("new.example", "443"); });
  all.wait();
  std::printf("now %s, seen half done %d times\n", config.read().c_str(), strange.load());
}

// Prints:
// now new.example:443, seen half done 0 times
