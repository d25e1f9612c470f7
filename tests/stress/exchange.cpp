#include "exchange.hpp"

#include <string>

namespace stress {

namespace {

constexpr std::size_t capacities[] = {0, 1, 2, 7, 64};

template <class Carrier>
struct world {
  using value = typename Carrier::type;

  world(const exchange_options& options, random_source& random)
      : cancelled(options.cancel ? weft::recv_chan<void>(done) : nullptr) {
    for (std::size_t i = 0; i < options.channels; ++i)
      channels.emplace_back(capacities[random.below(std::size(capacities))]);
  }

  std::vector<weft::chan<value>> channels;
  weft::chan<void> done;
  weft::recv_chan<void> cancelled;  // nil when this program cancels nothing
};

/// One goroutine or thread of the program, with its journal.
template <class Carrier>
class participant {
  using value = typename Carrier::type;

 public:
  participant(world<Carrier>& w, std::uint32_t id, std::uint64_t seed, journal& book)
      : world_(w), id_(id), random_(seed), book_(book) {}

  void send_many(std::size_t attempts) {
    for (std::size_t i = 0; i < attempts && !stopped_; ++i) send_somehow();
  }
  void receive_many(std::size_t attempts) {
    for (std::size_t i = 0; i < attempts && !stopped_; ++i) receive_somehow();
  }
  void mix_many(std::size_t attempts) {
    for (std::size_t i = 0; i < attempts && !stopped_; ++i) mix();
  }
  /// Receives from one channel, in every way there is, until it is closed and drained.
  void receive_all(std::size_t c) {
    while (receive_from(c)) {
    }
  }

 private:
  std::size_t pick() { return random_.below(world_.channels.size()); }
  label fresh() { return {id_, next_++}; }

  void settle(bool sent, const value& v, label l, std::size_t c) {
    if (sent) {
      book_.sent.push_back({l, c});
      return;
    }
    const label left = Carrier::unpack(v);
    EXPECT_TRUE(left.sender == l.sender && left.sequence == l.sequence)
        << "a value that was not sent was moved from";
  }
  void note(const std::optional<value>& v, std::size_t c) {
    if (v) book_.received.push_back({Carrier::unpack(*v), c});
  }

  void send_somehow() {
    switch (random_.below(7)) {
      case 0:
      case 1:
        return send_plainly();
      case 2:
        return send_or_not();
      case 3:
        return send_in_time();
      case 4:
        return send_to_either();
      case 5:
        return send_by_preference();
      default:
        return send_by_selector();
    }
  }
  void send_plainly() {
    const std::size_t c = pick();
    const label l = fresh();
    try {
      world_.channels[c].send(Carrier::pack(l));
      book_.sent.push_back({l, c});
    } catch (const weft::closed_channel&) {
    }
  }
  void send_or_not() {
    const std::size_t c = pick();
    const label l = fresh();
    value v = Carrier::pack(l);
    const auto status = world_.channels[c].try_send(std::move(v));
    settle(status == weft::channel_status::ok, v, l, c);
  }
  void send_in_time() {
    const std::size_t c = pick();
    const label l = fresh();
    value v = Carrier::pack(l);
    const auto status = world_.channels[c].send_for(std::move(v), random_.tiny_wait());
    settle(status == weft::channel_status::ok, v, l, c);
  }
  void send_to_either() {
    const std::size_t a = pick(), b = pick();
    const label la = fresh(), lb = fresh();
    value va = Carrier::pack(la), vb = Carrier::pack(lb);
    std::size_t chosen = 4;
    try {
      chosen = weft::select(weft::on_send(world_.channels[a], std::move(va)),
                            weft::on_send(world_.channels[b], std::move(vb)),
                            weft::on_recv(world_.cancelled), weft::on_timeout(random_.tiny_wait()));
    } catch (const weft::closed_channel&) {
    }
    settle(chosen == 0, va, la, a);
    settle(chosen == 1, vb, lb, b);
    stopped_ = stopped_ || chosen == 2;
  }
  void send_by_preference() {
    const std::size_t c = pick();
    const label l = fresh();
    value v = Carrier::pack(l);
    std::size_t chosen = 3;
    try {
      chosen = weft::select_in_order(weft::on_recv(world_.cancelled),
                                     weft::on_send(world_.channels[c], std::move(v)),
                                     weft::on_default());
    } catch (const weft::closed_channel&) {
    }
    settle(chosen == 1, v, l, c);
    stopped_ = stopped_ || chosen == 0;
  }
  void send_by_selector() {
    weft::selector s;
    for (std::size_t i = 1 + random_.below(6); i > 0; --i) {
      const std::size_t c = pick();
      const label l = fresh();
      s.add(weft::on_send(world_.channels[c], Carrier::pack(l), [this, l, c] {
        book_.sent.push_back({l, c});
      }));
    }
    s.add(weft::on_recv(world_.cancelled, [this](bool) { stopped_ = true; }));
    if (random_.percent(30)) s.add(weft::on_timeout(random_.tiny_wait()));
    try {
      s.select();
    } catch (const weft::closed_channel&) {
    }
  }

  void receive_somehow() {
    switch (random_.below(3)) {
      case 0:
        receive_from(pick());
        return;
      case 1:
        return receive_from_either();
      default:
        return receive_by_selector();
    }
  }
  /// False: the channel is closed and drained.
  bool receive_from(std::size_t c) {
    const auto& channel = world_.channels[c];
    const std::size_t way = random_.below(4);
    if (way == 0) {
      auto v = channel.recv();
      note(v, c);
      return v.has_value();
    }
    if (way == 3) return receive_a_few(c);
    auto result = way == 1 ? channel.try_recv() : channel.recv_for(random_.tiny_wait());
    if (result) book_.received.push_back({Carrier::unpack(*result), c});
    if (result.status() == weft::channel_status::would_block) weft::yield();
    return result.status() != weft::channel_status::closed;
  }
  bool receive_a_few(std::size_t c) {
    std::size_t left = 1 + random_.below(10);
    for (const value& v : world_.channels[c]) {
      book_.received.push_back({Carrier::unpack(v), c});
      if (--left == 0) return true;
    }
    return false;
  }
  void receive_from_either() {
    const std::size_t a = pick(), b = pick();
    std::optional<value> from_a;
    const std::size_t chosen =
        weft::select(weft::on_recv(world_.channels[a], from_a),
                     weft::on_recv(world_.channels[b], [&](std::optional<value> v) { note(v, b); }),
                     weft::on_recv(world_.cancelled), weft::on_timeout(random_.tiny_wait()));
    if (chosen == 0) note(from_a, a);
    EXPECT_TRUE(chosen == 0 || !from_a) << "a case that was not chosen received";
    stopped_ = stopped_ || chosen == 2;
  }
  void receive_by_selector() {
    weft::selector s;
    for (std::size_t c = 0; c < world_.channels.size(); ++c)
      s.add(weft::on_recv(world_.channels[c], [this, c](std::optional<value> v) { note(v, c); }));
    s.add(weft::on_recv(world_.cancelled, [this](bool) { stopped_ = true; }));
    if (random_.percent(30)) s.add(weft::on_timeout(random_.tiny_wait()));
    for (std::size_t times = 1 + random_.below(4); times > 0 && !stopped_; --times) s.select();
  }

  void mix() {
    const std::size_t a = pick(), b = pick();  // often the same channel: nobody meets itself
    const label l = fresh();
    value v = Carrier::pack(l);
    std::optional<value> got;
    std::size_t chosen = 4;
    try {
      if (random_.percent(50))
        chosen =
            weft::select(weft::on_send(world_.channels[a], std::move(v)),
                         weft::on_recv(world_.channels[b], got), weft::on_recv(world_.cancelled));
      else
        chosen = weft::select(weft::on_send(world_.channels[a], std::move(v)),
                              weft::on_recv(world_.channels[b], got), weft::on_default());
    } catch (const weft::closed_channel&) {
    }
    settle(chosen == 0, v, l, a);
    if (chosen == 1) note(got, b);
    if (chosen == 2 && world_.cancelled.try_recv().status() == weft::channel_status::closed)
      stopped_ = true;
  }

  world<Carrier>& world_;
  const std::uint32_t id_;
  std::uint32_t next_ = 0;
  random_source random_;
  journal& book_;
  bool stopped_ = false;
};

void disturb(crew& c, const weft::chan<void>& done, std::uint64_t seed, bool as_thread) {
  c.start(as_thread, [done, seed] {
    random_source random(seed);
    weft::sleep_for(random.tiny_wait());
    done.close();
  });
}

template <class Value>
void close_all(const std::vector<weft::chan<Value>>& channels, random_source& random,
               bool with_pauses) {
  const std::size_t first = random.below(channels.size());
  for (std::size_t i = 0; i < channels.size(); ++i) {
    if (with_pauses) weft::sleep_for(random.tiny_wait());
    channels[(first + i) % channels.size()].close();
  }
}

}  // namespace

exchange_options random_options(std::uint64_t seed) {
  random_source random(seed);
  exchange_options o;
  o.seed = seed;
  o.channels = 1 + random.below(5);
  o.senders = 1 + random.below(8);
  o.roamers = random.below(6);
  o.mixers = random.below(4);
  o.attempts = (10 + random.below(600)) / slowdown + 1;
  o.thread_percent = random.percent(25) ? 0 : random.below(60);
  o.cancel = random.percent(40);
  o.close_early = random.percent(40);
  return o;
}

template <class Carrier>
void run_exchange(const exchange_options& options) {
  random_source random(options.seed);
  world<Carrier> w(options, random);
  std::vector<journal> books(options.channels + options.senders + options.roamers + options.mixers);
  std::uint32_t id = 0;
  crew receivers;
  crew senders;
  const auto join_in = [&](crew& c, auto work) {
    journal& book = books[id];
    c.start(random.percent(options.thread_percent),
            [&w, &book, work, me = id, seed = random.next()] {
              participant<Carrier> p(w, me, seed, book);
              work(p);
            });
    ++id;
  };
  const std::size_t n = options.attempts;
  for (std::size_t c = 0; c < options.channels; ++c)
    join_in(receivers, [c](auto& p) { p.receive_all(c); });
  for (std::size_t i = 0; i < options.roamers; ++i)
    join_in(receivers, [n](auto& p) { p.receive_many(n); });
  for (std::size_t i = 0; i < options.senders; ++i)
    join_in(senders, [n](auto& p) { p.send_many(n); });
  for (std::size_t i = 0; i < options.mixers; ++i)
    join_in(senders, [n](auto& p) { p.mix_many(n); });
  if (options.cancel) disturb(senders, w.done, random.next(), random.percent(50));
  if (options.close_early) close_all(w.channels, random, true);
  senders.join();
  if (!options.close_early) close_all(w.channels, random, false);
  receivers.join();
  check_journals(books, options.channels);
}

template void run_exchange<by_value>(const exchange_options&);
template void run_exchange<move_only>(const exchange_options&);
template void run_exchange<throwing_move>(const exchange_options&);

}  // namespace stress
