// Selects of random shapes over several channels: exactly one case proceeds, the others nothing.
#include <optional>
#include <vector>

#include "scenarios.hpp"

namespace soak {
namespace {

/// Everybody's channels and books.
struct market {
  market(scene& on, std::size_t channels, std::size_t senders, std::size_t each)
      : s(on), books(senders, each), senders_count(senders) {
    for (std::size_t i = 0; i < channels; ++i)
      stalls.emplace_back(on.random().percent(50) ? 0 : on.random().between(1, 8));
  }
  scene& s;
  ledger books;
  std::size_t senders_count;
  std::vector<weft::chan<plain_item>> stalls;
};

/// Who sends and receives in the same selects. Each channel's receiver that stays until the close
/// sees to it that sends end.
void mix(market& m, std::uint32_t me, std::size_t each, random_source random) {
  std::vector<in_order> seen(m.stalls.size(), in_order(m.senders_count));
  weft::selector cases;
  for (std::uint32_t n = 0; n < each;) {
    cases.clear();
    const std::uint32_t first = n;
    const std::size_t arms = random.between(1, 5);
    std::optional<label> sent;
    for (std::size_t arm = 0; arm < arms && n < each; ++arm) {
      const std::size_t at = random.below(m.stalls.size());
      if (random.percent(60)) {
        const label l{me, n++};
        cases.add(weft::on_send(m.stalls[at], plain_item(l), [&sent, l] { sent = l; }));
      } else {
        cases.add(weft::on_recv(m.stalls[at], [&m, &seen, at](std::optional<plain_item> got) {
          if (!got) return;
          seen[at].saw(m.s, got->what);
          m.books.received(got->what);
        }));
      }
    }
    const bool only_receives = n == first;
    if (only_receives) ++n;
    // Nobody may come: then a select without a send needs another end.
    if (only_receives || random.percent(25)) cases.add(weft::on_timeout(random.tiny_wait()));
    if (random.percent(25)) cases.add(weft::on_default());
    if (random.percent(20))
      cases.select_in_order();
    else
      cases.select();
    if (sent) m.books.sent(*sent);
    m.s.step();
  }
}

}  // namespace

void select_mix(scene& s) {
  const std::size_t senders = s.random().between(1, 6);
  const std::size_t each = scaled(s.random().between(20, 300));
  market m(s, s.random().between(1, 5), senders, each);
  crew faithful(s);
  for (const auto& stall : m.stalls)
    faithful.start([&m, stall](random_source) {
      in_order seen(m.senders_count);
      for (const plain_item& got : stall) {
        seen.saw(m.s, got.what);
        m.books.received(got.what);
      }
    });
  s.at("mixing");
  {
    crew mixers(s);
    for (std::uint32_t me = 0; me < senders; ++me)
      mixers.start([&m, me, each](random_source random) { mix(m, me, each, random); });
  }
  s.at("closing");
  for (const auto& stall : m.stalls) stall.close();
  faithful.join();
  m.books.balance(s);
}

/// Two sides that each offer and accept in one select: every exchange is one of the two ways.
void select_both_ways(scene& s) {
  const std::size_t pairs = s.random().between(1, 6);
  const std::size_t rounds = scaled(s.random().between(50, 500));
  std::vector<std::atomic<std::int64_t>> sent_less_received(pairs);
  crew all(s);
  s.at("exchanging");
  for (std::size_t i = 0; i < pairs; ++i) {
    const weft::chan<int> there;
    const weft::chan<int> back;
    const auto side = [&s, rounds, &balance = sent_less_received[i]](weft::chan<int> out,
                                                                     weft::chan<int> in) {
      return [&s, rounds, &balance, out, in](random_source random) {
        for (std::size_t n = 0; n < rounds; ++n) {
          std::optional<int> got;
          const auto way = weft::select(weft::on_send(out, 1), weft::on_recv(in, got));
          s.check((way == 1) == got.has_value(), "the select says one thing and does another");
          balance += way == 0 ? 1 : -1;
          if (random.percent(3)) weft::yield();
          s.step();
        }
      };
    };
    all.start(side(there, back));
    all.start(side(back, there));
  }
  all.join();
  for (const auto& balance : sent_less_received)
    s.check(balance == 0, "one side sent what the other did not receive");
}

void select_static_shapes(scene& s) {
  const std::size_t rounds = scaled(s.random().between(100, 1'000));
  const weft::chan<int> numbers(2);
  const weft::chan<void> signals;
  const weft::chan<int> nil(nullptr);
  std::atomic<std::int64_t> sent{0};
  std::atomic<std::int64_t> received{0};
  crew all(s);
  s.at("selecting");
  for (int i = 0; i < 3; ++i)
    all.start([&](random_source random) {
      for (std::size_t n = 0; n < rounds; ++n) {
        std::optional<int> got;
        const int value = static_cast<int>(random.below(1'000));
        switch (weft::select(weft::on_send(numbers, value), weft::on_recv(numbers, got),
                             weft::on_recv(nil), weft::on_send(signals), weft::on_recv(signals),
                             weft::on_timeout(random.tiny_wait()))) {
          case 0:
            sent += value;
            break;
          case 1:
            received += got.value_or(-1);
            break;
          case 2:
            s.check(false, "a nil channel was ready");
            break;
          default:
            break;
        }
        if (weft::select(weft::on_recv(numbers, got), weft::on_default()) == 0)
          received += got.value_or(-1);
        s.step();
      }
    });
  all.join();
  while (auto rest = numbers.try_recv()) received += *rest;
  s.check(sent == received, "what was sent is not what was received");
}

}  // namespace soak
