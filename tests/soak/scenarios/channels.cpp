// Channels: whatever the capacity and the way of sending, values arrive once and in order.
#include <chrono>
#include <optional>

#include "scenarios.hpp"

namespace soak {
namespace {

using weft::channel_status;
using namespace std::chrono_literals;

std::size_t random_capacity(random_source& random) {
  switch (random.below(4)) {
    case 0:
    case 1:
      return 0;
    case 2:
      return 1;
    default:
      return random.between(2, 64);
  }
}

/// Sends one value in a random way. Returns: whether it was sent.
template <class Item>
bool send_somehow(const weft::chan<Item>& to, label l, random_source& random) {
  switch (random.below(8)) {
    case 0:
      return to.send_for(Item(l), random.tiny_wait()) == channel_status::ok;
    case 1:
      return to.try_send(Item(l)) == channel_status::ok;
    case 2: {
      const auto [ctx, cancel] = weft::with_timeout(weft::background(), random.tiny_wait());
      const bool sent = to.send(ctx, Item(l)) == channel_status::ok;
      cancel();
      return sent;
    }
    case 3:
      return weft::select(weft::on_send(to, Item(l)), weft::on_timeout(random.tiny_wait())) == 0;
    default:
      to.send(Item(l));
      return true;
  }
}

/// Receives in a random way. Returns the value, if any; `over`: closed and drained.
template <class Item>
std::optional<label> recv_somehow(const weft::chan<Item>& from, bool& over, random_source& random) {
  const auto settle = [&over](auto result) {
    over = result.status() == channel_status::closed;
    return result ? std::optional(result->what) : std::nullopt;
  };
  switch (random.below(8)) {
    case 0:
      return settle(from.recv_for(random.tiny_wait()));
    case 1:
      return settle(from.try_recv());
    case 2: {
      const auto [ctx, cancel] = weft::with_timeout(weft::background(), random.tiny_wait());
      auto result = settle(from.recv(ctx));
      cancel();
      return result;
    }
    default: {
      auto value = from.recv();
      over = !value;
      return value ? std::optional(value->what) : std::nullopt;
    }
  }
}

template <class Item>
void pipe(scene& s) {
  const std::size_t senders = s.random().between(1, 6);
  const std::size_t each = scaled(s.random().between(20, 400));
  const weft::chan<Item> items(random_capacity(s.random()));
  ledger books(senders, each);
  crew receivers(s);
  for (std::size_t i = s.random().between(1, 5); i-- > 0;)
    receivers.start([&](random_source random) {
      in_order seen(senders);
      for (bool over = false; !over;)
        if (const auto l = recv_somehow(items, over, random)) {
          seen.saw(s, *l);
          books.received(*l);
          s.step();
        }
    });
  s.at("sending");
  {
    crew sending(s);
    for (std::uint32_t from = 0; from < senders; ++from)
      sending.start([&, from](random_source random) {
        for (std::uint32_t n = 0; n < each; ++n)
          if (send_somehow(items, {from, n}, random)) books.sent({from, n});
      });
  }
  s.at("draining");
  items.close();
  receivers.join();
  books.balance(s);
}

}  // namespace

void pipe_of_items(scene& s) { pipe<plain_item>(s); }
void pipe_of_throwing_items(scene& s) { pipe<throwing_item>(s); }

void token_ring(scene& s) {
  const std::size_t size = s.random().between(2, scaled(64) + 2);
  const std::size_t laps = scaled(s.random().between(5, 50));
  std::vector<weft::chan<std::size_t>> links;
  for (std::size_t i = 0; i < size; ++i) links.emplace_back(0);
  crew ring(s, 3);
  s.at("passing the token");
  for (std::size_t i = 0; i < size; ++i)
    ring.start([&, i](random_source random) {
      for (std::size_t lap = 0; lap < laps; ++lap) {
        const auto token = links[i].recv();
        s.check(token && *token == lap * size + i, "the token is another");
        if (random.percent(10)) weft::yield();
        s.step();
        if (lap + 1 < laps || i + 1 < size) links[(i + 1) % size].send(lap * size + i + 1);
      }
    });
  links[0].send(0);
  ring.join();
}

void close_under_senders(scene& s) {
  const std::size_t senders = s.random().between(2, 8);
  const std::size_t each = scaled(s.random().between(20, 300));
  const weft::chan<plain_item> items(random_capacity(s.random()));
  ledger books(senders, each);
  const std::size_t close_after = s.random().below(each);
  const bool leave_a_rest = s.random().percent(30);
  crew all(s);
  s.at("sending until closed");
  for (std::uint32_t from = 0; from < senders; ++from)
    all.start([&, from](random_source random) {
      try {
        for (std::uint32_t n = 0; n < each; ++n) {
          if (send_somehow(items, {from, n}, random)) books.sent({from, n});
          if (from == 0 && n == close_after) items.close();
        }
      } catch (const weft::closed_channel&) {
      }
    });
  all.start([&](random_source random) {
    in_order seen(senders);
    for (bool over = false; !over;)
      if (const auto l = recv_somehow(items, over, random)) {
        seen.saw(s, *l);
        books.received(*l);
      }
  });
  all.join();
  books.balance(s);
  s.check(!items.recv(), "a closed channel has a value");
  if (!leave_a_rest) return;
  // Values that nobody receives end with their channel.
  const weft::chan<plain_item> forgotten(8);
  for (std::uint32_t n = 0; n < 5; ++n) forgotten.send(plain_item({0, n}));
}

void prime_sieve(scene& s) {
  static constexpr int primes[] = {2,  3,  5,  7,  11, 13, 17, 19, 23, 29, 31, 37,
                                   41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89};
  const std::size_t count = s.random().between(3, scaled(22) + 2);
  const weft::chan<void> stop;
  const weft::wait_group filters;
  weft::chan<int> numbers;
  s.at("sieving");
  filters.go([numbers, stop] {
    for (int n = 2; weft::select(weft::on_send(numbers, n), weft::on_recv(stop)) == 0; ++n) {
    }
  });
  for (std::size_t i = 0; i < count; ++i) {
    const auto prime = numbers.recv();
    s.check(prime && *prime == primes[i], "not the next prime");
    s.step();
    const weft::chan<int> rest;
    filters.go([from = numbers, to = rest, stop, divisor = *prime] {
      for (;;) {
        std::optional<int> n;
        if (weft::select(weft::on_recv(from, n), weft::on_recv(stop)) == 1) return;
        if (*n % divisor != 0 && weft::select(weft::on_send(to, *n), weft::on_recv(stop)) == 1)
          return;
      }
    });
    numbers = rest;
  }
  stop.close();
  filters.wait();
}

}  // namespace soak
