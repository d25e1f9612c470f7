// Go's memory model, one litmus test per rule. The variables are plain on purpose: a missing edge
// is a wrong value now and then, and a race report under ThreadSanitizer at once.

#include <array>
#include <thread>
#include <vector>

#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft_test::everywhere;
using weft_test::scaled;

using MemoryModel = weft_test::fixture;

constexpr int rounds = scaled(2000);

TEST_F(MemoryModel, GoHappensBeforeTheStartOfTheFunction) {
  everywhere([] {
    for (int i = 0; i < rounds; ++i) {
      int data = 0;
      const weft::chan<int> seen(1);
      data = i;
      weft::go([&data, seen] { seen.send(data); });
      ASSERT_EQ(seen.recv(), i);
    }
  });
}

TEST_F(MemoryModel, SendHappensBeforeItsReceiveReturns) {
  everywhere([] {
    for (const int capacity : {0, 1, 10}) {
      const weft::chan<int> c(capacity);
      std::vector<int> data(static_cast<std::size_t>(rounds));
      weft::go([&data, c] {
        for (int i = 0; i < rounds; ++i) {
          data[static_cast<std::size_t>(i)] = i + 1;
          c.send(i);
        }
        c.close();
      });
      for (const int i : c) ASSERT_EQ(data[static_cast<std::size_t>(i)], i + 1);
    }
  });
}

TEST_F(MemoryModel, CloseHappensBeforeAReceiveThatSeesIt) {
  everywhere([] {
    for (int i = 0; i < rounds; ++i) {
      int data = 0;
      const weft::chan<int> c;
      weft::go([&data, c, i] {
        data = i;
        c.close();
      });
      ASSERT_EQ(c.recv(), std::nullopt);
      ASSERT_EQ(data, i);
    }
  });
}

TEST_F(MemoryModel, UnbufferedReceiveHappensBeforeTheSendCompletes) {
  everywhere([] {
    for (int i = 0; i < rounds; ++i) {
      int data = 0;
      const weft::chan<int> c;
      weft::go([&data, c, i] {
        data = i;
        c.recv();
      });
      c.send(0);
      ASSERT_EQ(data, i);
    }
  });
}

// A buffered channel of capacity C as a semaphore: at most C are between send and receive, and the
// k-th receive is ordered before the (k+C)-th send. With C = 1 it is a mutex around `data`.
TEST_F(MemoryModel, KthReceiveHappensBeforeTheSendCapacityLaterCompletes) {
  everywhere([] {
    const weft::chan<void> mutex(1);
    weft::wait_group all;
    int data = 0;
    for (int g = 0; g < 4; ++g)
      all.go([&, mutex] {
        for (int i = 0; i < rounds / 4; ++i) {
          mutex.send();
          ++data;
          mutex.recv();
        }
      });
    all.wait();
    EXPECT_EQ(data, rounds / 4 * 4);
  });
}

TEST_F(MemoryModel, EachReceiveOrdersTheSendCapacityLater) {
  everywhere([] {
    constexpr int capacity = 3;
    const weft::chan<int> c(capacity);
    std::vector<int> data(static_cast<std::size_t>(rounds));
    weft::wait_group receiver;
    receiver.go([&data, c] {
      for (int k = 0; k < rounds; ++k) {
        data[static_cast<std::size_t>(k)] = k + 1;
        c.recv();
      }
    });
    for (int k = 0; k < rounds; ++k) {
      c.send(k);
      const int before = k - capacity;
      if (before >= 0) {
        ASSERT_EQ(data[static_cast<std::size_t>(before)], before + 1);
      }
    }
    receiver.wait();
  });
}

TEST_F(MemoryModel, DoneHappensBeforeTheWaitItUnblocks) {
  everywhere([] {
    for (int i = 0; i < rounds / 4; ++i) {
      std::array<int, 4> data{};
      const weft::wait_group wg;
      wg.add(4);
      for (int& d : data)
        weft::go([&d, wg, i] {
          d = i;
          wg.done();
        });
      wg.wait();
      for (const int d : data) ASSERT_EQ(d, i);
    }
  });
}

TEST_F(MemoryModel, EndOfAWaitGroupsFunctionHappensBeforeTheWaitItUnblocks) {
  everywhere([] {
    for (int i = 0; i < rounds / 4; ++i) {
      int data = 0;
      const weft::wait_group wg;
      wg.go([&] { data = i; });
      wg.wait();
      ASSERT_EQ(data, i);
    }
  });
}

TEST_F(MemoryModel, DoneHappensBeforeABoundedWaitThatSaysSo) {
  everywhere([] {
    for (int i = 0; i < rounds / 4; ++i) {
      int data = 0;
      const weft::wait_group wg;
      wg.go([&] { data = i; });
      while (!wg.wait_for(10us)) weft::yield();
      ASSERT_EQ(data, i);
    }
  });
}

TEST_F(MemoryModel, SelectedOperationsOrderAsTheChannelsOwn) {
  everywhere([] {
    const weft::chan<int> a;
    const weft::chan<int> b(1);
    std::vector<int> data(static_cast<std::size_t>(rounds));
    weft::go([&data, a, b] {
      for (int i = 0; i < rounds; ++i) {
        data[static_cast<std::size_t>(i)] = i + 1;
        weft::select(weft::on_send(a, i), weft::on_send(b, i));
      }
      a.close();
    });
    int left = rounds;
    std::optional<int> v;
    while (left > 0) {
      const std::size_t chosen = weft::select(weft::on_recv(a, v), weft::on_recv(b, v));
      if (!v) {
        ASSERT_EQ(chosen, 0U);
        continue;
      }
      ASSERT_EQ(data[static_cast<std::size_t>(*v)], *v + 1);
      --left;
    }
  });
}

TEST_F(MemoryModel, TriedOperationsOrderAsTheChannelsOwn) {
  everywhere([] {
    for (int i = 0; i < rounds / 4; ++i) {
      int data = 0;
      const weft::chan<int> c(1);
      weft::go([&data, c, i] {
        data = i;
        EXPECT_EQ(c.try_send(1), weft::channel_status::ok);
      });
      while (!c.try_recv()) weft::yield();
      ASSERT_EQ(data, i);
    }
  });
}

TEST_F(MemoryModel, RulesHoldBetweenPlainThreadsToo) {
  for (const int capacity : {0, 1}) {
    const weft::chan<int> there(capacity);
    const weft::chan<int> back(capacity);
    int data = 0;
    std::thread other([&, there, back] {
      for (const int v : there) {
        data += v;
        back.send(data);
      }
    });
    for (int i = 0; i < rounds; ++i) {
      data = i;
      there.send(1);
      ASSERT_EQ(back.recv(), i + 1);
      ASSERT_EQ(data, i + 1);
    }
    there.close();
    other.join();
  }
}

TEST_F(MemoryModel, ATimersCallSeesWhatCameBeforeIt) {
  everywhere([] {
    for (int i = 0; i < rounds / 20; ++i) {
      int data = 0;
      const weft::chan<int> seen(1);
      data = i;
      weft::after_func(0s, [&data, seen] { seen.send(data); });
      ASSERT_EQ(seen.recv(), i);
    }
  });
}

TEST_F(MemoryModel, RunReturnsAfterAllItsFunctionDid) {
  for (int i = 0; i < rounds / 4; ++i) {
    int data = 0;
    weft::run([&] { data = i; });
    ASSERT_EQ(data, i);
  }
}

}  // namespace
