// Descriptors: whom their news wake, and that news of an earlier life wake nobody.
#include "engine/poller.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "unit_support.hpp"

namespace {

using namespace weft::detail;

class stands_for_a_goroutine : public waiter {
 public:
  stands_for_a_goroutine() : waiter(kind::thread) {}
};

class both_ends {
 public:
  both_ends() {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()), 0);
  }
  both_ends(const both_ends&) = delete;
  both_ends& operator=(const both_ends&) = delete;
  ~both_ends() {
    ::close(fds[0]);
    ::close(fds[1]);
  }
  void put() const { EXPECT_EQ(::write(fds[1], "x", 1), 1); }
  std::array<int, 2> fds{};
};

/// One wait, queued until its end.
struct queued_wait {
  queued_wait(descriptor& at, io_side way) : d(at), side(way) {
    node.who = &who;
    node.claim = &claim;
    const std::lock_guard guard(d.lock);
    error = d.enlist_locked(node, side);
  }
  queued_wait(const queued_wait&) = delete;
  queued_wait& operator=(const queued_wait&) = delete;
  ~queued_wait() {
    const std::lock_guard guard(d.lock);
    if (error == 0) d.delist_locked(node, side);
  }

  descriptor& d;
  io_side side;
  stands_for_a_goroutine who;
  wait_claim claim;
  io_node node;
  int error = 0;
};

class a_poller : public ::testing::Test {
 protected:
  void SetUp() override {
    open_poll();
    waiting_before_ = all.anybody_waits();
  }
  void TearDown() override { EXPECT_EQ(all.anybody_waits(), waiting_before_); }
  /// Whom news wake now, by address.
  std::vector<waiter*> woken_now() {
    wake_list woken;
    all.collect(0, woken);
    std::vector<waiter*> list;
    while (waiter* w = woken.pop_front()) list.push_back(w);
    return list;
  }
  poller& all = poller::get();

 private:
  bool waiting_before_ = false;
};

TEST_F(a_poller, wakes_who_waits_for_the_side_that_has_news) {
  const both_ends pair;
  descriptor& d = all.watch(pair.fds[0]);
  woken_now();
  queued_wait reads(d, io_side::read);
  EXPECT_TRUE(all.anybody_waits());
  EXPECT_TRUE(woken_now().empty());
  pair.put();
  EXPECT_EQ(woken_now(), std::vector<waiter*>{&reads.who});
  EXPECT_EQ(reads.claim.winner(), io_node::claimed_by_io);
  EXPECT_TRUE(all.anybody_waits()) << "it has not returned yet: the process is not at rest";
  wake_list nobody;
  all.close(d, nobody);
  EXPECT_TRUE(nobody.empty());
  all.give_back(d);
}

TEST_F(a_poller, keeps_news_until_somebody_asks) {
  const both_ends pair;
  descriptor& d = all.watch(pair.fds[0]);
  pair.put();
  woken_now();
  {
    const std::lock_guard guard(d.lock);
    EXPECT_TRUE(d.take_ready_locked(io_side::read));
    EXPECT_FALSE(d.take_ready_locked(io_side::read));
    EXPECT_TRUE(d.take_ready_locked(io_side::write));
  }
  wake_list nobody;
  all.close(d, nobody);
  all.give_back(d);
}

TEST_F(a_poller, wakes_everybody_when_it_is_closed) {
  const both_ends pair;
  descriptor& d = all.watch(pair.fds[0]);
  woken_now();
  queued_wait reads(d, io_side::read);
  d.lock.lock();
  static_cast<void>(d.take_ready_locked(io_side::write));
  d.lock.unlock();
  queued_wait writes(d, io_side::write);
  wake_list woken;
  all.close(d, woken);
  EXPECT_EQ(woken.pop_front(), &reads.who);
  EXPECT_EQ(woken.pop_front(), &writes.who);
  {
    const std::lock_guard guard(d.lock);
    EXPECT_TRUE(d.closed_locked());
  }
  all.give_back(d);
}

TEST_F(a_poller, leaves_alone_who_has_been_claimed_by_another) {
  const both_ends pair;
  descriptor& d = all.watch(pair.fds[0]);
  woken_now();
  queued_wait reads(d, io_side::read);
  EXPECT_TRUE(reads.claim.try_claim(77));
  pair.put();
  EXPECT_TRUE(woken_now().empty());
  {
    const std::lock_guard guard(d.lock);
    EXPECT_TRUE(d.take_ready_locked(io_side::read)) << "the next wait must hear of it";
  }
  wake_list nobody;
  all.close(d, nobody);
  all.give_back(d);
}

TEST_F(a_poller, takes_no_news_of_a_foreign_descriptor_for_a_later_wait) {
  const both_ends pair;
  descriptor& d = all.foreign(pair.fds[0]);
  EXPECT_EQ(&d, &all.foreign(pair.fds[0]));
  {
    queued_wait gives_up(d, io_side::read);
    ASSERT_EQ(gives_up.error, 0);
  }
  pair.put();
  EXPECT_TRUE(woken_now().empty());
  queued_wait again(d, io_side::read);
  EXPECT_EQ(woken_now(), std::vector<waiter*>{&again.who});
}

TEST_F(a_poller, watches_what_was_a_foreign_descriptor_before) {
  const both_ends pair;
  {
    const queued_wait waited(all.foreign(pair.fds[0]), io_side::read);
    ASSERT_EQ(waited.error, 0);
  }
  descriptor& d = all.watch(pair.fds[0]);
  woken_now();
  queued_wait reads(d, io_side::read);
  pair.put();
  EXPECT_EQ(woken_now(), std::vector<waiter*>{&reads.who});
  wake_list nobody;
  all.close(d, nobody);
  all.give_back(d);
}

TEST_F(a_poller, goes_on_telling_the_other_side_of_a_foreign_descriptor) {
  const both_ends pair;
  descriptor& d = all.foreign(pair.fds[0]);
  queued_wait reads(d, io_side::read);
  queued_wait writes(d, io_side::write);
  EXPECT_EQ(woken_now(), std::vector<waiter*>{&writes.who});
  pair.put();
  EXPECT_EQ(woken_now(), std::vector<waiter*>{&reads.who});
}

TEST_F(a_poller, refuses_what_is_no_descriptor) {
  EXPECT_THROW(all.foreign(-1), std::system_error);
  EXPECT_THROW(all.watch(-1), std::system_error);
  descriptor& d = all.foreign(1023);  // not open
  queued_wait refused(d, io_side::read);
  EXPECT_NE(refused.error, 0);
  EXPECT_FALSE(refused.node.queued);
}

}  // namespace
