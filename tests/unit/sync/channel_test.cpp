// The channel's core: what it does under its lock, how it keeps and drops values, and its life.
#include "sync/channel.hpp"

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <stdexcept>
#include <vector>

#include "elements.hpp"
#include "unit_support.hpp"

namespace {

using weft::detail::attempt;
using weft::detail::channel_core;
using weft::detail::channel_make;
using weft::detail::ops_of;
using weft::detail::slot;
using weft::detail::wait_claim;
using weft::detail::wait_node;
using weft::detail::waiter;
using weft::detail::wake_list;
using weft_test::counted;
using weft_test::scaled;

/// Owns one reference.
class handle {
 public:
  handle(std::size_t capacity, const weft::detail::element_ops& ops)
      : core_(channel_make(capacity, ops)) {}
  handle(const handle&) = delete;
  ~handle() { core_->release(); }
  channel_core* operator->() const { return core_; }

 private:
  channel_core* core_;
};

handle counted_channel(std::size_t capacity) { return {capacity, ops_of<counted>}; }

attempt send(const handle& c, int value) {
  counted v(value);
  waiter* woken = nullptr;
  return c->send_locked(&v, woken);
}

/// -1: nothing came.
int recv(const handle& c) {
  slot<counted> room;
  waiter* woken = nullptr;
  return c->recv_locked(room.raw(), woken) == attempt::done ? room.take()->value() : -1;
}

class channel_memory : public testing::Test {
 protected:
  void TearDown() override {
    EXPECT_EQ(counted::alive(), 0);
    EXPECT_EQ(counted::strays(), 0);
  }
};

TEST_F(channel_memory, values_are_moved_in_and_out_and_leave_nothing) {
  const handle c = counted_channel(3);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(send(c, i), attempt::done);
    EXPECT_EQ(counted::alive(), 1);
    EXPECT_EQ(recv(c), i);
    EXPECT_EQ(counted::alive(), 0);
  }
}

TEST_F(channel_memory, what_is_inside_at_the_end_is_destroyed) {
  const handle c = counted_channel(5);
  for (int i = 0; i < 7; ++i) {
    send(c, i);
    if (i < 2) recv(c);
  }
  EXPECT_EQ(counted::alive(), 5);
}

TEST_F(channel_memory, draining_says_whether_there_was_anything) {
  const handle c = counted_channel(2);
  EXPECT_FALSE(c->drain_locked());
  send(c, 1);
  send(c, 2);
  EXPECT_TRUE(c->drain_locked());
  EXPECT_EQ(counted::alive(), 0);
  EXPECT_EQ(send(c, 3), attempt::done);
  EXPECT_EQ(recv(c), 3);
}

TEST_F(channel_memory, a_value_that_is_refused_is_not_moved_from) {
  const handle c = counted_channel(0);
  counted v(8);
  waiter* woken = nullptr;
  EXPECT_EQ(c->send_locked(&v, woken), attempt::blocked);
  wake_list nobody;
  EXPECT_TRUE(c->close_locked(nobody));
  EXPECT_EQ(c->send_locked(&v, woken), attempt::closed);
  EXPECT_EQ(v.value(), 8);
}

TEST(channel, keeps_large_and_over_aligned_values_where_they_belong) {
  using weft_test::over_aligned;
  for (const std::size_t capacity : {1U, 5U}) {
    const handle c(capacity, ops_of<over_aligned>);
    for (int i = 0; i < 20; ++i) {
      over_aligned v(i);
      waiter* woken = nullptr;
      ASSERT_EQ(c->send_locked(&v, woken), attempt::done);
      slot<over_aligned> room;
      ASSERT_EQ(c->recv_locked(room.raw(), woken), attempt::done);
      const auto out = room.take();
      EXPECT_TRUE(out->aligned && out->value == i);
    }
  }
}

TEST(channel, refuses_a_size_that_no_memory_has) {
  EXPECT_THROW(channel_make(SIZE_MAX, ops_of<char>), std::length_error);
  EXPECT_THROW(channel_make(SIZE_MAX / 4096, ops_of<weft_test::large>), std::length_error);
  EXPECT_THROW(channel_make(std::size_t{1} << 47, ops_of<char>), std::length_error);
}

TEST(channel, counts_its_handles) {
  channel_core* c = channel_make(0, ops_of<int>);
  c->retain();
  EXPECT_TRUE(c->try_retain());
  for (int i = 0; i < 3; ++i) c->release();  // a leak, or a use after the end, is for ASan to see
}

/// Somebody who waits in one of the queues.
struct party : waiter {
  party() : waiter(kind::thread) { node.who = this; }
  wait_node node;
  wait_claim claim;
};

struct sender : party {
  explicit sender(int v) : value(v) { node.element = &value; }
  counted value;
};

struct receiver : party {
  receiver() { node.element = room.raw(); }
  slot<counted> room;
};

TEST_F(channel_memory, a_send_serves_the_first_receiver) {
  const handle c = counted_channel(2);
  receiver first, second;
  c->receivers.push_locked(first.node);
  c->receivers.push_locked(second.node);
  counted v(5);
  waiter* woken = nullptr;
  EXPECT_EQ(c->send_locked(&v, woken), attempt::done);
  EXPECT_EQ(woken, &first);
  EXPECT_TRUE(first.node.served);
  EXPECT_FALSE(second.node.served);
  EXPECT_EQ(first.room.take()->value(), 5);
  EXPECT_EQ(c->visible_size(), 0U);
}

TEST_F(channel_memory, a_receive_takes_the_oldest_and_lets_the_first_sender_in) {
  const handle c = counted_channel(1);
  send(c, 1);
  sender second(2), third(3);
  c->senders.push_locked(second.node);
  c->senders.push_locked(third.node);
  slot<counted> room;
  waiter* woken = nullptr;
  EXPECT_EQ(c->recv_locked(room.raw(), woken), attempt::done);
  EXPECT_EQ(room.take()->value(), 1);
  EXPECT_EQ(woken, &second);
  EXPECT_TRUE(second.node.served);
  EXPECT_EQ(c->visible_size(), 1U);
  EXPECT_EQ(recv(c), 2);
  EXPECT_EQ(recv(c), 3);
}

TEST_F(channel_memory, an_unbuffered_receive_takes_from_the_sender_itself) {
  const handle c = counted_channel(0);
  sender s(6);
  c->senders.push_locked(s.node);
  slot<counted> room;
  waiter* woken = nullptr;
  EXPECT_EQ(c->recv_locked(room.raw(), woken), attempt::done);
  EXPECT_EQ(woken, &s);
  EXPECT_EQ(room.take()->value(), 6);
  EXPECT_EQ(s.value.value(), counted::moved);
}

TEST_F(channel_memory, tells_without_its_lock_what_would_have_to_wait) {
  const handle buffered = counted_channel(1);
  EXPECT_TRUE(buffered->would_block_receive());
  EXPECT_FALSE(buffered->would_block_send());
  send(buffered, 1);
  EXPECT_FALSE(buffered->would_block_receive());
  EXPECT_TRUE(buffered->would_block_send());

  const handle unbuffered = counted_channel(0);
  EXPECT_TRUE(unbuffered->would_block_receive());
  EXPECT_TRUE(unbuffered->would_block_send());
  sender s(1);
  unbuffered->senders.push_locked(s.node);
  EXPECT_FALSE(unbuffered->would_block_receive());
  EXPECT_TRUE(unbuffered->would_block_send());
  unbuffered->senders.remove_locked(s.node);
  receiver r;
  unbuffered->receivers.push_locked(r.node);
  EXPECT_TRUE(unbuffered->would_block_receive());
  EXPECT_FALSE(unbuffered->would_block_send());
  unbuffered->receivers.remove_locked(r.node);

  for (const handle* c : {&buffered, &unbuffered}) {
    wake_list nobody;
    EXPECT_TRUE((*c)->close_locked(nobody));
    EXPECT_FALSE((*c)->would_block_receive());
    EXPECT_FALSE((*c)->would_block_send());
  }
}

/// Runs `f` over and over beside a thread that looks on.
template <class Look, class F>
void beside_an_onlooker(const Look& look, const F& f) {
  weft::detail::atomic<bool> over{false};
  unit::on_threads(2, [&](int who) {
    if (who == 0) {
      for (int i = 0; i < scaled(20'000); ++i) f();
      over.store(true);
    }
    while (!over.load()) look();
  });
}

TEST_F(channel_memory, is_not_empty_for_a_moment_while_a_sender_is_let_in) {
  const handle c = counted_channel(1);
  send(c, 1);
  beside_an_onlooker([&] { ASSERT_FALSE(c->would_block_receive()); },
                     [&] {
                       sender next(1);
                       c->lock.lock();
                       c->senders.push_locked(next.node);
                       c->lock.unlock();
                       c->lock.lock();
                       EXPECT_EQ(recv(c), 1);
                       c->lock.unlock();
                     });
}

TEST_F(channel_memory, who_sees_it_drained_sees_that_it_was_closed_before) {
  std::vector<std::unique_ptr<handle>> all;
  for (int i = 0; i < scaled(20'000); ++i) {
    all.push_back(std::make_unique<handle>(std::size_t{1}, ops_of<counted>));
    send(*all.back(), 1);
  }
  weft::detail::atomic<std::size_t> at{0};
  beside_an_onlooker([&] { ASSERT_FALSE((*all[at.load()])->would_block_receive()); },
                     [&] {
                       const handle& c = *all[at.load()];
                       wake_list nobody;
                       c->lock.lock();
                       EXPECT_TRUE(c->close_locked(nobody));
                       c->lock.unlock();
                       c->lock.lock();
                       EXPECT_EQ(recv(c), 1);
                       c->lock.unlock();
                       if (at.load() + 1 < all.size()) at.fetch_add(1);
                     });
}

TEST_F(channel_memory, whoever_was_claimed_elsewhere_is_passed_over) {
  const handle c = counted_channel(0);
  receiver gone, waiting;
  for (receiver* r : {&gone, &waiting}) {
    r->node.claim = &r->claim;
    c->receivers.push_locked(r->node);
  }
  ASSERT_TRUE(gone.claim.try_claim(7));
  counted v(5);
  waiter* woken = nullptr;
  EXPECT_EQ(c->send_locked(&v, woken), attempt::done);
  EXPECT_EQ(woken, &waiting);
  EXPECT_FALSE(gone.node.served);
  EXPECT_EQ(waiting.room.take()->value(), 5);
}

TEST_F(channel_memory, closing_wakes_all_and_serves_none) {
  const handle c = counted_channel(0);
  receiver r1, r2;
  c->receivers.push_locked(r1.node);
  c->receivers.push_locked(r2.node);
  wake_list woken;
  EXPECT_TRUE(c->close_locked(woken));
  EXPECT_EQ(woken.pop_front(), &r1);
  EXPECT_EQ(woken.pop_front(), &r2);
  EXPECT_TRUE(woken.empty());
  EXPECT_FALSE(r1.node.served || r2.node.served);
  EXPECT_FALSE(c->close_locked(woken));
}

TEST_F(channel_memory, after_closing_values_come_out_and_none_go_in) {
  const handle c = counted_channel(2);
  send(c, 1);
  send(c, 2);
  sender blocked(3);
  c->senders.push_locked(blocked.node);
  wake_list woken;
  EXPECT_TRUE(c->close_locked(woken));
  EXPECT_EQ(woken.pop_front(), &blocked);
  EXPECT_FALSE(blocked.node.served);
  EXPECT_EQ(send(c, 4), attempt::closed);
  EXPECT_EQ(recv(c), 1);
  EXPECT_EQ(recv(c), 2);
  slot<counted> room;
  waiter* nobody = nullptr;
  EXPECT_EQ(c->recv_locked(room.raw(), nobody), attempt::closed);
}

/// Random sends and receives that never wait, against a bounded deque.
TEST_F(channel_memory, is_a_bounded_queue) {
  for (const std::size_t capacity : {0U, 1U, 2U, 3U, 7U}) {
    const handle c = counted_channel(capacity);
    std::deque<int> expected;
    unit::sequence s(static_cast<unsigned>(capacity));
    for (int i = 0; i < scaled(20'000); ++i) {
      if (unit::below(s, 2) == 0) {
        const bool fits = expected.size() < capacity;
        ASSERT_EQ(send(c, i), fits ? attempt::done : attempt::blocked);
        if (fits) expected.push_back(i);
      } else {
        const int out = recv(c);
        ASSERT_EQ(out, expected.empty() ? -1 : expected.front());
        if (!expected.empty()) expected.pop_front();
      }
      ASSERT_EQ(c->visible_size(), expected.size());
      ASSERT_EQ(counted::alive(), static_cast<int>(expected.size()));
    }
    EXPECT_EQ(c->visible_capacity(), capacity);
  }
}

}  // namespace
