// Who holds a lock, and who stands in its queue, as seen from outside.
#include "sync/locks/queued.hpp"

#include <mutex>
#include <string>
#include <vector>

#include "api/leaks/lock_owners.hpp"
#include "weft_test.hpp"

namespace {

using weft::detail::goroutine_view;
using weft::detail::lock_owners;
using weft::detail::look_at_queue;
using weft::detail::queued_at_lock;
using weft::detail::take_census;
using weft_test::eventually;

/// Every goroutine of a test; they have ended before the locks go.
const weft::wait_group& all() {
  static const weft::wait_group group;
  return group;
}

class QueuedAtLock : public weft_test::fixture {};

/// The goroutine of that name, once it is parked.
goroutine_view parked(const std::string& name) {
  goroutine_view found;
  EXPECT_TRUE(eventually([&] {
    for (const goroutine_view& v : take_census())
      if (v.name == name && v.stands_still() && v.waits_on) found = v;
    return found.block != nullptr;
  }));
  return found;
}

std::string name_of_holder(const goroutine_view& waiter) {
  const std::vector<goroutine_view> views = take_census();
  const std::size_t i = lock_owners(views).find(look_at_queue(waiter).holder);
  return i == lock_owners::nobody ? "nobody" : views[i].name;
}

/// Locks, waits to be let go, unlocks.
template <class Lock>
void hold(const char* name, Lock& m, const weft::chan<int>& go_on) {
  all().go(weft::named(name), [&m, go_on] {
    const std::lock_guard lock(m);
    go_on.recv();
  });
  static_cast<void>(parked(name));
}

template <class Lock>
void wait_for(const char* name, Lock& m) {
  all().go(weft::named(name), [&m] { const std::lock_guard lock(m); });
}

template <class Lock>
void expect_holder_is_known() {
  Lock m;
  const weft::chan<int> go_on(0);
  hold("holder", m, go_on);
  wait_for("first", m);
  const goroutine_view first = parked("first");
  wait_for("second", m);
  const goroutine_view second = parked("second");
  EXPECT_EQ(name_of_holder(first), "holder");
  EXPECT_EQ(name_of_holder(second), "holder");
  EXPECT_TRUE(look_at_queue(first).queued);
  EXPECT_TRUE(look_at_queue(first).first);
  EXPECT_TRUE(look_at_queue(second).queued);
  EXPECT_FALSE(look_at_queue(second).first);
  go_on.send(1);
  all().wait();
  EXPECT_FALSE(look_at_queue(first).queued);  // it had a turn: nothing is said of it
}

TEST_F(QueuedAtLock, KnowsTheHolderOfAMutex) { expect_holder_is_known<weft::mutex>(); }
TEST_F(QueuedAtLock, KnowsTheWriterOfASharedMutex) { expect_holder_is_known<weft::shared_mutex>(); }

TEST_F(QueuedAtLock, KnowsNoReaders) {
  weft::shared_mutex m;
  m.lock_shared();
  wait_for("writer", m);
  const queued_at_lock seen = look_at_queue(parked("writer"));
  EXPECT_EQ(seen.holder, 0U);
  EXPECT_FALSE(seen.queued);
  m.unlock_shared();
  all().wait();
}

TEST_F(QueuedAtLock, KnowsNoPlainThread) {
  weft::mutex m;
  m.lock();
  wait_for("waits", m);
  EXPECT_EQ(name_of_holder(parked("waits")), "nobody");
  EXPECT_NE(look_at_queue(parked("waits")).holder, 0U);
  m.unlock();
  all().wait();
}

/// The token is the next holder's as soon as the lock is handed to it.
TEST_F(QueuedAtLock, FollowsAHandOver) {
  weft::shared_mutex m;
  const weft::chan<int> go_on(0), then(0);
  hold("holder", m, go_on);
  all().go(weft::named("heir"), [&] {
    const std::lock_guard lock(m);
    then.recv();
  });
  static_cast<void>(parked("heir"));
  wait_for("last", m);
  const goroutine_view last = parked("last");
  EXPECT_EQ(name_of_holder(last), "holder");
  go_on.send(1);
  EXPECT_TRUE(eventually([&] { return name_of_holder(last) == "heir"; }));
  then.send(1);
  all().wait();
}

TEST_F(QueuedAtLock, KnowsAStackThatNobodyIsOn) {
  weft::mutex m;
  all().go(weft::named("ends"), [&] { m.lock(); });
  all().wait();
  ASSERT_TRUE(eventually([] { return weft::num_goroutines() == 0; }));
  wait_for("waits", m);
  const goroutine_view waits = parked("waits");
  const weft::detail::stack_token token = look_at_queue(waits).holder;
  ASSERT_NE(token, 0U);
  // The one that waits may be on that stack now.
  EXPECT_TRUE(weft::detail::was_made_on(token, waits) ||
              lock_owners(take_census()).is_abandoned(token));
  m.unlock();
  all().wait();
}

}  // namespace
