// The lists against std::deque, by random operations.
#include "base/intrusive_list.hpp"

#include <algorithm>
#include <deque>
#include <vector>

#include "unit_support.hpp"

namespace {

using weft_test::scaled;

struct item {
  item* next = nullptr;
  item* previous = nullptr;
};

using queue = weft::detail::intrusive_queue<item, &item::next>;
using deque = weft::detail::intrusive_deque<item, &item::next, &item::previous>;
using oracle = std::deque<item*>;

constexpr int items_count = 12;

item* random_of(unit::sequence& s, const std::vector<item*>& from) {
  return from[static_cast<std::size_t>(unit::below(s, static_cast<int>(from.size())))];
}

void expect_same(const queue& q, const oracle& expected) {
  ASSERT_EQ(q.empty(), expected.empty());
  const item* at = q.front();
  for (const item* e : expected) {
    ASSERT_EQ(at, e);
    at = at->next;
  }
  ASSERT_EQ(at, nullptr);
}

void expect_same(const deque& d, const oracle& expected) {
  ASSERT_EQ(d.empty(), expected.empty());
  const item* at = d.front();
  const item* before = nullptr;
  for (const item* e : expected) {
    ASSERT_EQ(at, e);
    ASSERT_EQ(at->previous, before);
    before = at;
    at = at->next;
  }
  ASSERT_EQ(at, nullptr);
  ASSERT_EQ(d.back(), before);
}

/// Two queues, so that they can be appended to each other.
class queue_walk {
 public:
  queue_walk() {
    for (item& i : items_) outside_.push_back(&i);
  }

  void step(unit::sequence& s) {
    const auto one = static_cast<std::size_t>(unit::below(s, 2));
    const auto other = 1 - one;
    const int what = unit::below(s, 6);
    if (what <= 1 && !outside_.empty())
      push(random_of(s, outside_), one);
    else if (what == 2 && !outside_.empty())
      push_front(random_of(s, outside_), one);
    else if (what <= 4)
      pop(one);
    else
      append(one, other);
    for (std::size_t i : {0U, 1U}) expect_same(queues_[i], oracles_[i]);
  }

 private:
  void push(item* i, std::size_t to) {
    std::erase(outside_, i);
    queues_[to].push_back(i);
    oracles_[to].push_back(i);
  }
  void push_front(item* i, std::size_t to) {
    std::erase(outside_, i);
    queues_[to].push_front(i);
    oracles_[to].push_front(i);
  }
  void pop(std::size_t from) {
    item* popped = queues_[from].pop_front();
    if (oracles_[from].empty()) {
      ASSERT_EQ(popped, nullptr);
      return;
    }
    ASSERT_EQ(popped, oracles_[from].front());
    ASSERT_EQ(popped->next, nullptr);
    oracles_[from].pop_front();
    outside_.push_back(popped);
  }
  void append(std::size_t to, std::size_t from) {
    queues_[to].append(std::move(queues_[from]));
    oracles_[to].insert(oracles_[to].end(), oracles_[from].begin(), oracles_[from].end());
    oracles_[from].clear();
  }

  item items_[items_count];
  std::vector<item*> outside_;
  queue queues_[2];
  oracle oracles_[2];
};

class deque_walk {
 public:
  deque_walk() {
    for (item& i : items_) outside_.push_back(&i);
  }

  void step(unit::sequence& s) {
    const int what = unit::below(s, 7);
    if (what <= 2 && !outside_.empty())
      push(random_of(s, outside_), what == 0);
    else if (what <= 4)
      pop(what == 3);
    else if (!inside_.empty())
      remove(static_cast<std::size_t>(unit::below(s, static_cast<int>(inside_.size()))));
    expect_same(deque_, inside_);
  }

 private:
  void push(item* i, bool front) {
    std::erase(outside_, i);
    if (front) {
      deque_.push_front(i);
      inside_.push_front(i);
    } else {
      deque_.push_back(i);
      inside_.push_back(i);
    }
  }
  void pop(bool front) {
    item* popped = front ? deque_.pop_front() : deque_.pop_back();
    if (inside_.empty()) {
      ASSERT_EQ(popped, nullptr);
      return;
    }
    ASSERT_EQ(popped, front ? inside_.front() : inside_.back());
    left(popped);
    if (front)
      inside_.pop_front();
    else
      inside_.pop_back();
  }
  void remove(std::size_t at) {
    item* i = inside_[at];
    deque_.remove(i);
    left(i);
    inside_.erase(inside_.begin() + static_cast<std::ptrdiff_t>(at));
  }
  void left(item* i) {
    ASSERT_EQ(i->next, nullptr);
    ASSERT_EQ(i->previous, nullptr);
    outside_.push_back(i);
  }

  item items_[items_count];
  std::vector<item*> outside_;
  deque deque_;
  oracle inside_;
};

template <class Walk>
void walk_randomly() {
  unit::sequence s(20);
  Walk walk;
  for (int i = 0; i < scaled(200'000) && !testing::Test::HasFailure(); ++i) walk.step(s);
}

TEST(intrusive_queue, does_what_a_deque_does) { walk_randomly<queue_walk>(); }
TEST(intrusive_deque, does_what_a_deque_does) { walk_randomly<deque_walk>(); }

TEST(intrusive_queue, can_be_filled_again_after_it_was_appended_to_another) {
  item a, b, c;
  queue from, to;
  from.push_back(&a);
  to.append(std::move(from));
  from.push_back(&b);
  to.append(std::move(from));
  to.push_back(&c);
  expect_same(to, {&a, &b, &c});
  EXPECT_TRUE(from.empty());
}

TEST(intrusive_deque, forgets_its_last_element_when_that_is_removed) {
  item a, b;
  deque d;
  d.push_back(&a);
  d.push_back(&b);
  d.remove(&b);
  d.push_back(&b);
  expect_same(d, {&a, &b});
  d.remove(&a);
  d.remove(&b);
  expect_same(d, {});
}

}  // namespace
