// A bounded queue the classic way: a mutex and two conditions. The consumer's wait ends when the
// queue has something, or when somebody asks it to stop.
#include <cstdio>
#include <deque>
#include <mutex>
#include <stop_token>

#include <weft/weft.hpp>

class bounded_queue {
 public:
  void push(int item) {
    std::unique_lock lock(m_);
    not_full_.wait(lock, [&] { return items_.size() < 2; });
    items_.push_back(item);
    not_empty_.notify_one();
  }
  bool pop(int& item, const std::stop_token& stop) {
    std::unique_lock lock(m_);
    if (!not_empty_.wait(lock, stop, [&] { return !items_.empty(); })) return false;
    item = items_.front();
    items_.pop_front();
    not_full_.notify_one();
    return true;
  }

 private:
  weft::mutex m_;
  weft::condition_variable not_full_;
  weft::condition_variable not_empty_;
  std::deque<int> items_;
};

int main() {
  bounded_queue queue;
  std::stop_source stop;
  const weft::chan<void> enough;
  const weft::wait_group all;
  all.go([&, enough] {
    int sum = 0;
    for (int item = 0; queue.pop(item, stop.get_token());) {
      sum += item;
      if (item == 10) enough.send();
    }
    std::printf("took 1 to 10, in all %d, then stopped waiting\n", sum);
  });
  for (int i = 1; i <= 10; ++i) queue.push(i);
  enough.recv();
  stop.request_stop();
  all.wait();
}

// Prints:
// took 1 to 10, in all 55, then stopped waiting
