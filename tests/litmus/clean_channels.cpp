// Orders that channels and select give.
#include "litmus.hpp"

#include <chrono>
#include <memory>
#include <string>

using namespace std::chrono_literals;
using litmus::planted_read;
using litmus::planted_write;
using litmus::require;

// A send happens before its receive completes.
LITMUS(clean, send_before_receive) {
  for (const int capacity : {0, 1, 3}) {
    for (int round = 0; round < 50; ++round) {
      int x = 0;
      weft::chan<int> c(static_cast<std::size_t>(capacity));
      weft::go([&x, c] {
        planted_write(x, 1);
        c.send(1);
      });
      if (round % 2 == 0) weft::yield();
      require(c.recv() == 1 && planted_read(x) == 1, "the write came with the value");
    }
  }
}

// A receive on an unbuffered channel happens before its send completes.
LITMUS(clean, unbuffered_receive_before_send_completes) {
  for (int round = 0; round < 50; ++round) {
    int x = 0;
    weft::chan<int> c;
    weft::go([&x, c] {
      planted_write(x, 1);
      static_cast<void>(c.recv());
    });
    if (round % 2 == 0) weft::yield();
    c.send(1);
    require(planted_read(x) == 1, "the receiver had written");
  }
}

// The k-th receive happens before the (k+C)-th send completes: a channel counts permits.
LITMUS(clean, channel_as_lock) {
  int x = 0;
  weft::chan<int> turn(1);
  weft::wait_group all;
  for (int i = 0; i < 8; ++i)
    all.go([&x, turn] {
      for (int k = 0; k < 20; ++k) {
        turn.send(1);
        planted_write(x, planted_read(x) + 1);
        if (k % 4 == 0) weft::yield();
        static_cast<void>(turn.recv());
      }
    });
  all.wait();
  require(planted_read(x) == 160, "nothing was lost");
}

// A slot is written again only after its reader has come back for the next value but one.
LITMUS(clean, channel_with_slots) {
  constexpr int slots = 3;
  int slot[slots] = {};
  weft::chan<int> filled(slots - 2);
  weft::wait_group all;
  all.go([&] {
    for (int i = 0; i < 60; ++i) {
      planted_write(slot[i % slots], i);
      filled.send(i % slots);
    }
    filled.close();
  });
  int sum = 0;
  for (const int at : filled) {
    sum += planted_read(slot[at]);
    if (sum % 7 == 0) weft::yield();
  }
  all.wait();
  require(sum == 59 * 60 / 2, "every value was seen");
}

LITMUS(clean, close_before_receive) {
  for (int round = 0; round < 50; ++round) {
    int x = 0;
    weft::chan<int> c(static_cast<std::size_t>(round % 3));
    weft::go([&x, c] {
      planted_write(x, 1);
      c.close();
    });
    if (round % 2 == 0) weft::yield();
    require(!c.recv() && planted_read(x) == 1, "closed after the write");
  }
}

LITMUS(clean, close_before_many_receives) {
  int x = 0;
  weft::chan<void> stop;
  weft::wait_group all;
  for (int i = 0; i < 20; ++i)
    all.go([&x, stop, i] {
      if (i % 2 == 0) weft::yield();
      stop.recv();
      require(planted_read(x) == 1, "closed after the write");
    });
  weft::yield();
  planted_write(x, 1);
  stop.close();
  all.wait();
}

// What a value owns travels with it, through the ring and straight into a receiver's hands.
LITMUS(clean, values_that_own) {
  for (const int capacity : {0, 2}) {
    weft::chan<std::unique_ptr<std::string>> c(static_cast<std::size_t>(capacity));
    weft::wait_group all;
    for (int i = 0; i < 3; ++i)
      all.go([c] {
        for (int k = 0; k < 30; ++k) c.send(std::make_unique<std::string>("a longer string"));
      });
    weft::go([all, c] {
      all.wait();
      c.close();
    });
    std::size_t letters = 0;
    while (auto got = c.recv()) letters += (*got)->size();
    require(letters == 90 * 15, "every string arrived whole");
  }
}

LITMUS(clean, select_that_wins) {
  for (int round = 0; round < 50; ++round) {
    int x = 0;
    weft::chan<int> left;
    weft::chan<int> right(1);
    weft::go([&x, left, right, round] {
      planted_write(x, 1);
      if (round % 2 == 0)
        left.send(1);
      else
        right.send(1);
    });
    if (round % 3 == 0) weft::yield();
    weft::select(weft::on_recv(left), weft::on_recv(right));
    require(planted_read(x) == 1, "the winner's sender had written");
  }
}

LITMUS(clean, select_that_sends) {
  for (int round = 0; round < 50; ++round) {
    int x = 0;
    weft::chan<int> a;
    weft::chan<int> b(1);
    weft::chan<int> nobody;
    weft::wait_group all;
    all.go([&x, a, b, round] {
      static_cast<void>(round % 2 == 0 ? a.recv() : b.recv());
      require(planted_read(x) == 1, "the sender had written");
    });
    if (round % 3 == 0) weft::yield();
    planted_write(x, 1);
    if (round % 2 == 0)
      weft::select(weft::on_send(a, 1), weft::on_send(nobody, 1));
    else
      weft::select(weft::on_send(nobody, 1), weft::on_send(b, 1));
    all.wait();
  }
}

// The send that a select waited for completes after the receive that took its value.
LITMUS(clean, select_send_completes_after_receive) {
  for (int round = 0; round < 50; ++round) {
    int x = 0;
    weft::chan<int> c;
    weft::chan<int> nobody;
    weft::go([&x, c, round] {
      if (round % 2 == 0) weft::yield();
      planted_write(x, 1);
      static_cast<void>(c.recv());
    });
    weft::select(weft::on_send(c, 1), weft::on_recv(nobody));
    require(planted_read(x) == 1, "the receiver had written");
  }
}

LITMUS(clean, broadcast) {
  int x = 0;
  weft::broadcast<int> news(2);
  weft::wait_group all;
  for (int i = 0; i < 5; ++i)
    all.go([&x, mine = news.subscribe()] {
      while (const auto got = mine.recv()) require(planted_read(x) > 0, "sent after the write");
    });
  weft::yield();
  planted_write(x, 1);
  news.send(1);
  news.send(2);
  news.send(3);  // one waits for two at most: the oldest is lost
  news.close();
  all.wait();
}

LITMUS(clean, watch) {
  weft::watch<std::shared_ptr<int>> state;
  weft::wait_group all;
  for (int i = 0; i < 4; ++i)
    all.go([mine = state.subscribe()] {
      while (const auto got = mine.recv())
        if (*got) static_cast<void>(planted_read(**got));
    });
  for (int i = 0; i < 30; ++i) {
    auto fresh = std::make_shared<int>(0);
    planted_write(*fresh, i);
    state.send(fresh);
    if (i % 5 == 0) weft::yield();
  }
  state.close();
  all.wait();
}

LITMUS(clean, oneshot) {
  for (int round = 0; round < 30; ++round) {
    int x = 0;
    weft::oneshot<int> answer;
    weft::go([&x, answer] {
      planted_write(x, 1);
      answer.send(1);
    });
    if (round % 2 == 0) weft::yield();
    require(answer.recv() == 1 && planted_read(x) == 1, "sent after the write");
  }
}

LITMUS(clean, unbounded) {
  weft::unbounded_chan<std::unique_ptr<int>> jobs;
  weft::wait_group senders;
  weft::wait_group receivers;
  for (int i = 0; i < 3; ++i)
    senders.go([jobs] {
      for (int k = 0; k < 300; ++k) {
        auto job = std::make_unique<int>(0);
        planted_write(*job, k);
        jobs.send(std::move(job));
        if (k % 50 == 0) weft::yield();
      }
    });
  for (int i = 0; i < 3; ++i)
    receivers.go([jobs] {
      while (auto job = jobs.recv()) static_cast<void>(planted_read(**job));
    });
  senders.wait();
  jobs.close();
  receivers.wait();
}

// A plain thread on either side.
LITMUS(clean, threads_and_goroutines) {
  int x = 0;
  int y = 0;
  weft::chan<int> to_goroutine;
  weft::chan<int> to_thread(2);
  std::thread thread([&] {
    for (int i = 0; i < 30; ++i) {
      planted_write(x, i);
      to_goroutine.send(i);
      require(to_thread.recv() == i && planted_read(y) == i, "the goroutine had written");
    }
  });
  weft::wait_group all;
  all.go([&] {
    for (int i = 0; i < 30; ++i) {
      require(to_goroutine.recv() == i && planted_read(x) == i, "the thread had written");
      planted_write(y, i);
      to_thread.send(i);
    }
  });
  all.wait();
  thread.join();
}
