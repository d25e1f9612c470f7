// Goroutine-local variables: whose value it is, when it is made, and when and in which order it
// ends.
#include <weft/local.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "elements.hpp"
#include "unit_support.hpp"

namespace {

using weft::local;
using weft_test::counted;
using weft_test::eventually;
using weft_test::everywhere;
using weft_test::scaled;

using locals = weft_test::fixture;

TEST_F(locals, begin_value_initialised_and_keep_what_is_set) {
  everywhere([] {
    const local<int> number;
    const local<std::string> text;
    EXPECT_FALSE(number.has_value());
    EXPECT_EQ(number.get_if(), nullptr);
    EXPECT_EQ(*number, 0);
    EXPECT_TRUE(number.has_value());
    ++*number;
    number.get() += 2;
    text->append("abc");
    EXPECT_EQ(*number, 3);
    EXPECT_EQ(text.get(), "abc");
    number.set(9);
    text.set("new");
    EXPECT_EQ(*number.get_if(), 9);
    EXPECT_EQ(*text, "new");
    text.reset();
    EXPECT_FALSE(text.has_value());
    EXPECT_EQ(*text, "");
  });
}

TEST_F(locals, begin_with_what_the_factory_returns) {
  everywhere([] {
    struct pinned {
      explicit pinned(int n) : number(n) {}
      pinned(const pinned&) = delete;
      int number;
    };
    int made = 0;
    const local<pinned> p([&made] { return pinned(++made); });
    EXPECT_EQ(made, 0) << "made before it was used";
    EXPECT_EQ(p->number, 1);
    EXPECT_EQ(p->number, 1);
    p.reset();
    EXPECT_EQ(p->number, 2);
    const local<std::unique_ptr<int>> owner([] { return std::make_unique<int>(4); });
    owner.set(std::make_unique<int>(5));
    EXPECT_EQ(**owner, 5);
  });
}

TEST_F(locals, are_each_goroutines_own) {
  everywhere([] {
    const local<int> mine;
    *mine = -1;
    weft::wait_group all;
    for (int i = 0; i < scaled(200); ++i)
      all.go([&, i] {
        EXPECT_FALSE(mine.has_value()) << "inherited, or left by another goroutine";
        *mine = i;
        for (int turn = 0; turn < 5; ++turn) {
          weft::yield();
          ASSERT_EQ(*mine, i);
        }
      });
    all.wait();
    EXPECT_EQ(*mine, -1);
  });
}

TEST_F(locals, of_a_plain_thread_are_the_threads_and_end_with_it) {
  const local<counted> mine([] { return counted(1); });
  unit::on_threads(4, [&](int i) {
    EXPECT_FALSE(mine.has_value());
    mine.set(counted(i));
    std::this_thread::yield();
    EXPECT_EQ(mine->value(), i);
  });
  EXPECT_EQ(counted::alive(), 0);
}

TEST_F(locals, follow_their_goroutine_through_migrations) {
  everywhere([] {
    const local<int> mine;
    weft::wait_group all;
    for (int g = 0; g < 8; ++g)
      all.go([&, g] {
        int* const address = &*mine;
        for (int i = 0; i < scaled(200); ++i) {
          *mine = g * 1000 + i;
          if (i % 3 == 0)
            weft::sleep_for(std::chrono::microseconds(20));
          else
            weft::yield();
          ASSERT_EQ(*mine, g * 1000 + i);
          ASSERT_EQ(&*mine, address);
        }
      });
    all.wait();
  });
}

/// Says when it ends.
struct witness {
  std::function<void()> at_end;
  ~witness() {
    if (at_end) at_end();
  }
};

TEST_F(locals, end_after_the_function_in_reverse_order_of_construction) {
  everywhere([] {
    const local<witness> a;
    const local<witness> b;
    const local<witness> c;
    std::string order;
    const weft::chan<void> over;
    weft::go([&, over, captured = std::shared_ptr<void>(nullptr, [&](void*) { order += 'f'; })] {
      const witness in_function{[&] { order += 'l'; }};
      b->at_end = [&, over] { order += 'b', over.send(); };
      a->at_end = [&] { order += 'a'; };
      c->at_end = [&] { order += 'c'; };
      static_cast<void>(*b);  // to use one again changes nothing
    });
    over.recv();
    EXPECT_EQ(order, "lfcab");
  });
}

TEST_F(locals, end_while_the_goroutine_can_still_block_and_use_other_locals) {
  everywhere([] {
    const local<std::string> text;
    const local<witness> last;
    const weft::chan<std::string> said;
    weft::go([&, said] {
      last->at_end = [&, said] {
        weft::yield();
        text->append(" again");  // the text ended before: this is another
        said.send(*text);
      };
      text.set("gone by then");
    });
    EXPECT_EQ(said.recv(), " again");
  });
}

TEST_F(locals, that_destructors_make_anew_end_as_well) {
  everywhere([] {
    const local<counted> made_late([] { return counted(1); });
    const local<witness> first;
    const std::size_t before = weft::num_goroutines();
    weft::go([&] { first->at_end = [&] { EXPECT_EQ(made_late->value(), 1); }; });
    EXPECT_TRUE(eventually([&] { return weft::num_goroutines() == before; }));
  });
  EXPECT_EQ(counted::alive(), 0);
}

TEST_F(locals, end_when_the_goroutine_exits_early) {
  everywhere([] {
    const local<witness> w;
    const weft::chan<void> over;
    weft::go([&, over] {
      w->at_end = [over] { over.send(); };
      weft::exit_goroutine();
    });
    EXPECT_TRUE(over.recv());
  });
}

TEST_F(locals, whose_making_throws_leave_no_value) {
  everywhere([] {
    int tries = 0;
    const local<int> fragile([&tries] {
      if (++tries == 1) throw std::runtime_error("not now");
      return 5;
    });
    EXPECT_THROW(static_cast<void>(*fragile), std::runtime_error);
    EXPECT_FALSE(fragile.has_value());
    EXPECT_EQ(*fragile, 5);
  });
}

TEST_F(locals, may_be_made_by_a_factory_that_parks_and_uses_others) {
  everywhere([] {
    std::vector<std::unique_ptr<local<int>>> others;
    for (int i = 0; i < 20; ++i) others.push_back(std::make_unique<local<int>>());
    const local<int> sum([&] {
      int total = 0;
      for (const auto& other : others) {
        **other = 2;
        weft::sleep_for(std::chrono::microseconds(10));
        total += **other;
      }
      return total;
    });
    EXPECT_EQ(*sum, 40);
    EXPECT_EQ(*sum, 40);
  });
}

TEST_F(locals, may_go_before_the_goroutines_that_have_values) {
  everywhere([] {
    const weft::chan<void> has_one;
    const weft::chan<void> go_on;
    auto variable = std::make_unique<local<counted>>([] { return counted(3); });
    weft::go([=, v = variable.get()] {
      EXPECT_EQ((*v)->value(), 3);
      has_one.send();
      go_on.recv();
    });
    has_one.recv();
    static_cast<void>(**variable);
    EXPECT_EQ(counted::alive(), 2);
    variable.reset();
    EXPECT_EQ(counted::alive(), 1) << "the caller's own value ends with the variable";
    go_on.send();
    EXPECT_TRUE(eventually([] { return counted::alive() == 0; }));
  });
}

// A new variable gets the slot of one that is gone, but never its value.
TEST_F(locals, are_not_mistaken_for_those_that_are_gone) {
  everywhere([] {
    const weft::chan<const local<counted>*> use;
    const weft::chan<int> seen;
    weft::go([=] {
      for (const local<counted>* v : use) seen.send((*v)->value());
      seen.close();
    });
    for (int i = 0; i < 50; ++i) {
      const local<counted> brief([i] { return counted(i); });
      use.send(&brief);
      ASSERT_EQ(seen.recv(), i);
      ASSERT_LE(counted::alive(), 1) << "values of variables that are gone pile up";
    }
    use.close();
    seen.recv();
  });
  EXPECT_TRUE(eventually([] { return counted::alive() == 0; }));
}

TEST_F(locals, of_many_goroutines_all_end) {
  everywhere([] {
    const local<counted> a;
    const local<counted> b;
    weft::wait_group all;
    for (int i = 0; i < scaled(2000); ++i)
      all.go([&, i] {
        if (i % 2 == 0) *a = counted(i);
        if (i % 3 == 0) *b = counted(i);
        if (i % 5 == 0) weft::yield();
      });
    all.wait();
    EXPECT_TRUE(eventually([] { return counted::alive() == 0; }));
  });
  EXPECT_EQ(counted::strays(), 0);
}

}  // namespace
