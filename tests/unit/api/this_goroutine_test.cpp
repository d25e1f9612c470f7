// A goroutine's number, name and labels, and who inherits them.
#include <weft/this_goroutine.hpp>

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "unit_support.hpp"

namespace {

using namespace std::chrono_literals;
using weft_test::everywhere;
using weft_test::on_goroutine;
using weft_test::scaled;
namespace self = weft::this_goroutine;

using this_goroutine = weft_test::fixture;
using labels = weft_test::fixture;

using pairs = std::vector<std::pair<std::string, std::string>>;

/// What a goroutine that is started now says.
template <class Say>
auto in_a_goroutine(Say say) {
  const weft::chan<decltype(say())> said;
  weft::go([=] { said.send(say()); });
  return said.recv().value();
}

std::string label_or(std::string_view key, std::string other) {
  const auto found = self::label(key);
  return found ? std::string(*found) : other;
}

TEST_F(this_goroutine, has_a_number_of_its_own) {
  EXPECT_EQ(self::id(), 0U);
  on_goroutine([] {
    const std::uint64_t mine = self::id();
    EXPECT_NE(mine, 0U);
    const weft::chan<std::uint64_t> ids(100);
    weft::wait_group all;
    for (int i = 0; i < 100; ++i)
      all.go([=] {
        const std::uint64_t before = self::id();
        weft::yield();
        EXPECT_EQ(self::id(), before);
        ids.send(before);
      });
    all.wait();
    ids.close();
    std::set<std::uint64_t> seen{mine, 0};
    for (const std::uint64_t id : ids) EXPECT_TRUE(seen.insert(id).second) << id << " twice";
    EXPECT_EQ(self::id(), mine);
  });
}

TEST_F(this_goroutine, is_named_when_it_is_started_or_later) {
  everywhere([] {
    EXPECT_EQ(in_a_goroutine([] { return std::string(self::name()); }), "");
    const weft::chan<std::string> said;
    weft::go(weft::named("reader"), [=] {
      said.send(std::string(self::name()));
      self::set_name("writer");
      weft::yield();
      said.send(std::string(self::name()));
      self::set_name("");
      said.send(std::string(self::name()));
    });
    EXPECT_EQ(said.recv(), "reader");
    EXPECT_EQ(said.recv(), "writer");
    EXPECT_EQ(said.recv(), "");
    EXPECT_EQ(in_a_goroutine([] { return std::string(self::name()); }), "") << "a name was left";
  });
}

TEST_F(this_goroutine, on_a_plain_thread_is_the_thread) {
  std::thread([] {
    EXPECT_EQ(self::id(), 0U);
    EXPECT_EQ(self::name(), "");
    self::set_name("plain");
    EXPECT_EQ(self::name(), "plain");
    EXPECT_EQ(in_a_goroutine([] { return std::string(self::name()); }), "") << "not inherited";
  }).join();
  EXPECT_EQ(self::name(), "");
}

TEST_F(labels, are_set_changed_and_cleared) {
  everywhere([] {
    EXPECT_EQ(self::label("k"), std::nullopt);
    self::set_label("k", "1");
    self::set_label("a", "2");
    EXPECT_EQ(self::label("k"), "1");
    self::set_label("k", "3");
    EXPECT_EQ(self::labels(), (pairs{{"a", "2"}, {"k", "3"}}));
    self::clear_label("none");
    self::clear_label("k");
    EXPECT_EQ(self::label("k"), std::nullopt);
    EXPECT_EQ(self::label("a"), "2");
    self::clear_label("a");
    EXPECT_TRUE(self::labels().empty());
  });
}

TEST_F(labels, of_a_scope_are_put_back_at_its_end) {
  everywhere([] {
    const self::with_label outer("k", "outer");
    {
      const self::with_label inner("k", "inner");
      const self::with_label other("o", "1");
      EXPECT_EQ(self::label("k"), "inner");
      weft::yield();
      EXPECT_EQ(self::labels().size(), 2U);
    }
    EXPECT_EQ(self::labels(), (pairs{{"k", "outer"}}));
  });
  EXPECT_TRUE(self::labels().empty());
}

TEST_F(labels, are_inherited_when_a_goroutine_is_started) {
  everywhere([] {
    const auto work = [] { return label_or("request", "none"); };
    EXPECT_EQ(in_a_goroutine(work), "none");
    const self::with_label scope("request", "42");
    EXPECT_EQ(in_a_goroutine(work), "42");
    EXPECT_EQ(in_a_goroutine([work] { return in_a_goroutine(work); }), "42");
    const weft::chan<std::string> said;
    weft::wait_group wg;
    wg.go([=] { said.send(work()); });
    EXPECT_EQ(said.recv(), "42");
    wg.wait();
  });
}

TEST_F(labels, of_a_child_are_its_own_from_then_on) {
  everywhere([] {
    const self::with_label scope("k", "parent's");
    const weft::chan<std::string> said;
    const weft::chan<void> go_on;
    weft::go([=] {
      self::set_label("k", "child's");
      said.send(label_or("k", ""));
      go_on.recv();
      said.send(label_or("k", ""));
    });
    EXPECT_EQ(said.recv(), "child's");
    EXPECT_EQ(self::label("k"), "parent's");
    self::set_label("k", "new");
    go_on.send();
    EXPECT_EQ(said.recv(), "child's");
  });
}

TEST_F(labels, of_a_function_that_the_clock_starts_are_its_creators) {
  everywhere([] {
    const weft::chan<std::string> said(8);
    {
      const self::with_label scope("k", "creator's");
      weft::after_func(1ms, [=] { said.send(label_or("k", "none")); });
    }
    weft::after_func(1ms, [=] { said.send(label_or("k", "none")); });
    // Whoever is running when the clock fires has nothing to do with it.
    const self::with_label scope("k", "bystander's");
    std::multiset<std::string> all;
    while (all.size() < 2)
      if (const auto s = said.try_recv())
        all.insert(*s);
      else
        weft::yield();
    EXPECT_EQ(all, (std::multiset<std::string>{"creator's", "none"}));
  });
}

TEST_F(labels, are_no_longer_there_in_a_block_that_is_used_again) {
  on_goroutine([] {
    for (int i = 0; i < scaled(300); ++i) {
      {
        const self::with_label scope("k", "v");
        EXPECT_EQ(in_a_goroutine([] { return label_or("k", "none"); }), "v");
      }
      EXPECT_EQ(in_a_goroutine([] { return label_or("k", "none"); }), "none");
    }
  });
}

TEST_F(labels, are_shared_by_many_goroutines) {
  everywhere([] {
    const self::with_label scope("k", "v");
    weft::wait_group all;
    for (int i = 0; i < scaled(1000); ++i)
      all.go([i] {
        if (i % 3 == 0) self::set_label("k", std::to_string(i));
        weft::yield();
        ASSERT_EQ(label_or("k", ""), i % 3 == 0 ? std::to_string(i) : "v");
      });
    all.wait();
  });
}

}  // namespace
