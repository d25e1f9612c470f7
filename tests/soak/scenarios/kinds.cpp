// Broadcasts, watches, oneshots and channels without a bound.
#include <vector>

#include "scenarios.hpp"

namespace soak {

void broadcasts(scene& s) {
  const std::size_t senders = s.random().between(1, 4);
  const std::size_t each = scaled(s.random().between(20, 400));
  const weft::broadcast<label> news(s.random().between(1, 50));
  crew listeners(s);
  for (std::size_t i = s.random().between(1, 6); i-- > 0;)
    listeners.start([&, in = news.subscribe()](random_source random) {
      in_order seen(senders);
      std::size_t got = 0;
      for (const label& l : in) {
        seen.saw(s, l);
        ++got;
        if (random.percent(5)) weft::sleep_for(random.tiny_wait());
        if (random.percent(1)) {
          const auto other = news.subscribe();  // comes and goes
          static_cast<void>(other.try_recv());
        }
      }
      s.check(got + in.missed() == senders * each, "neither received nor missed");
    });
  s.at("sending to all");
  {
    crew sending(s);
    for (std::uint32_t from = 0; from < senders; ++from)
      sending.start([&, from](random_source random) {
        for (std::uint32_t n = 0; n < each; ++n) {
          news.send({from, n});
          if (random.percent(5)) weft::yield();
          s.step();
        }
      });
  }
  news.close();
  s.at("hearing the end");
  listeners.join();
}

void watches(scene& s) {
  const std::size_t last = scaled(s.random().between(20, 600));
  const weft::watch<std::size_t> level(std::size_t{0});
  crew followers(s);
  for (std::size_t i = s.random().between(1, 6); i-- > 0;)
    followers.start([&, in = level.subscribe()](random_source random) {
      std::size_t before = 0;
      bool first = true;
      for (const std::size_t now : in) {
        s.check(first || now > before, "the watched value went backwards");
        first = false;
        before = now;
        if (random.percent(10)) weft::sleep_for(random.tiny_wait());
        s.step();
      }
      s.check(before == last, "the last value was not seen");
    });
  s.at("changing the value");
  for (std::size_t n = 1; n <= last; ++n) {
    level.send(n);
    if (n % 16 == 0) weft::yield();
  }
  level.close();
  s.at("seeing the end");
  followers.join();
  s.check(level.value() == last, "the value is not the last");
}

void oneshots(scene& s) {
  const std::size_t rounds = scaled(s.random().between(10, 200));
  crew all(s);
  s.at("answering");
  for (std::size_t i = s.random().between(1, 5); i-- > 0;)
    all.start([&s, rounds](random_source random) {
      for (std::size_t n = 0; n < rounds; ++n) {
        const weft::oneshot<plain_item> answer;
        const bool none = random.percent(10);
        const auto l = label{1, static_cast<std::uint32_t>(n)};
        weft::go([answer, none, l, nap = random.tiny_wait(), naps = random.percent(20)] {
          if (naps) weft::sleep_for(nap);
          if (none)
            answer.close();
          else
            answer.send(plain_item(l));
        });
        if (random.percent(20)) {  // gives up, perhaps: the value ends with its channel
          const auto got = answer.recv_for(random.tiny_wait());
          s.check(!got || got->what.sequence == n, "another's answer");
        } else {
          const auto got = answer.recv();
          s.check(got.has_value() != none, "an answer is lost, or came from nowhere");
          s.check(!got || got->what.sequence == n, "another's answer");
          s.check(!answer.recv(), "a second answer");
        }
        s.step();
      }
    });
  all.join();
}

void unbounded_channels(scene& s) {
  const std::size_t senders = s.random().between(1, 6);
  const std::size_t each = scaled(s.random().between(20, 1'000));
  const weft::unbounded_chan<plain_item> items;
  ledger books(senders, each);
  crew receivers(s);
  for (std::size_t i = s.random().between(1, 3); i-- > 0;)
    receivers.start([&](random_source random) {
      in_order seen(senders);
      for (;;) {
        if (random.percent(10)) weft::sleep_for(random.tiny_wait());
        const auto got = items.recv();
        if (!got) return;
        seen.saw(s, got->what);
        books.received(got->what);
        s.step();
      }
    });
  s.at("sending without waiting");
  {
    crew sending(s);
    for (std::uint32_t from = 0; from < senders; ++from)
      sending.start([&, from](random_source random) {
        for (std::uint32_t n = 0; n < each; ++n) {
          items.send(plain_item({from, n}));
          books.sent({from, n});
          if (random.percent(2)) weft::yield();
        }
      });
  }
  items.close();
  s.at("draining");
  receivers.join();
  books.balance(s);
}

}  // namespace soak
