// The control block: where its closure stands, its name, its description, and the pool of blocks.
#include "fiber/goroutine.hpp"

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>
#include <source_location>
#include <string>

#include "fiber/goroutine_pool.hpp"
#include "unit_support.hpp"

namespace {

using weft::detail::goroutine;
using weft::detail::goroutine_cache;
using weft::detail::goroutine_pool;
using weft_test::scaled;

bool is_inside(const goroutine& g, const void* address) {
  const auto* byte = static_cast<const std::byte*>(address);
  return byte >= g.closure && byte < g.closure + goroutine::inline_bytes;
}

TEST(goroutine, holds_a_closure_that_fits) {
  for (const std::size_t bytes : {std::size_t{1}, std::size_t{8}, goroutine::inline_bytes})
    for (const std::size_t alignment : {std::size_t{1}, std::size_t{8}}) {
      goroutine g;
      void* room = make_room_for_closure(g, bytes, alignment);
      EXPECT_TRUE(is_inside(g, room));
      EXPECT_FALSE(g.closure_is_outside);
      EXPECT_EQ(g.closure_address(), room);
      free_closure_room(g);
    }
}

TEST(goroutine, keeps_a_closure_that_is_too_large_outside) {
  for (const std::size_t bytes : {goroutine::inline_bytes + 1, std::size_t{100'000}}) {
    goroutine g;
    void* room = make_room_for_closure(g, bytes, 8);
    EXPECT_FALSE(is_inside(g, room));
    EXPECT_EQ(g.closure_address(), room);
    std::memset(room, 0x5a, bytes);
    free_closure_room(g);
    EXPECT_FALSE(g.closure_is_outside);
  }
}

TEST(goroutine, keeps_a_closure_with_a_wish_for_alignment_outside) {
  for (std::size_t alignment = 16; alignment <= 4096; alignment *= 2) {
    goroutine g;
    void* room = make_room_for_closure(g, 8, alignment);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(room) % alignment, 0U);
    EXPECT_EQ(g.closure_address(), room);
    free_closure_room(g);
  }
}

TEST(goroutine, can_hold_one_closure_after_another) {
  goroutine g;
  for (int i = 0; i < 100; ++i) {
    const bool outside = i % 3 == 0;
    void* room = make_room_for_closure(g, outside ? 500 : 50, 8);
    EXPECT_EQ(is_inside(g, room), !outside);
    std::memset(room, i, outside ? 500 : 50);
    free_closure_room(g);
  }
}

TEST(goroutine, copies_its_name) {
  goroutine g;
  std::string name = "reader";
  set_name(g, std::string_view(name).substr(0, 4));
  name = "clobbered";
  ASSERT_NE(g.own.name, nullptr);
  EXPECT_STREQ(g.own.name, "read");
  std::free(g.own.name);
}

TEST(goroutine, needs_no_name) {
  goroutine g;
  set_name(g, "");
  EXPECT_EQ(g.own.name, nullptr);
}

std::string description(const goroutine& g) {
  char text[512];
  describe(g, text, sizeof text);
  return text;
}

TEST(goroutine, is_described_by_its_number_name_and_line) {
  goroutine g;
  g.id = 7;
  g.site.where = std::source_location::current();
  const std::string place = std::string(g.site.where.file_name()) + ":" +
                            std::to_string(g.site.where.line()) + " (" +
                            g.site.where.function_name() + ")";
  EXPECT_EQ(description(g), "goroutine 7, started at " + place);
  char name[] = "reader";
  g.own.name = name;
  EXPECT_EQ(description(g), "goroutine 7 'reader', started at " + place);
}

TEST(goroutine, is_described_by_an_address_where_there_is_no_line) {
  goroutine g;
  g.id = UINT64_MAX;
  g.site.address = reinterpret_cast<const void*>(0x1234);
  EXPECT_EQ(description(g), "goroutine 18446744073709551615, started at address 0x1234");
}

TEST(goroutine, a_description_that_does_not_fit_is_cut_and_ended) {
  goroutine g;
  g.id = 12;
  char text[8];
  std::memset(text, 'x', sizeof text);
  describe(g, text, sizeof text);
  EXPECT_STREQ(text, "gorouti");
  char tiny[1] = {'x'};
  describe(g, tiny, 1);
  EXPECT_EQ(tiny[0], '\0');
}

TEST(goroutine_cache, is_a_stack_that_counts) {
  goroutine blocks[3];
  goroutine_cache cache;
  EXPECT_EQ(cache.pop(), nullptr);
  for (goroutine& g : blocks) cache.push(&g);
  EXPECT_EQ(cache.count(), 3U);
  for (std::size_t i = 3; i-- > 0;) EXPECT_EQ(cache.pop(), &blocks[i]);
  EXPECT_EQ(cache.count(), 0U);
  EXPECT_EQ(cache.pop(), nullptr);
}

TEST(goroutine_pool, hands_out_each_block_once) {
  goroutine_pool pool;
  goroutine_cache cache;
  std::set<goroutine*> seen;
  for (int i = 0; i < 1'000; ++i) {
    if (cache.count() == 0) pool.refill(cache);
    ASSERT_TRUE(seen.insert(cache.pop()).second);
  }
}

TEST(goroutine_pool, makes_no_block_while_one_is_free) {
  goroutine_pool pool;
  goroutine_cache full;
  std::set<goroutine*> made;
  std::vector<goroutine*> held;
  for (int i = 0; i < 640; ++i) {
    if (full.count() == 0) pool.refill(full);
    held.push_back(full.pop());
    made.insert(held.back());
  }
  goroutine_cache back;
  for (goroutine* g : held) back.push(g);
  while (back.count() > 1) pool.drain(back);
  goroutine_cache again;
  for (int i = 0; i < 639; ++i) {
    if (again.count() == 0) pool.refill(again);
    ASSERT_TRUE(made.contains(again.pop())) << "a new block was made for request " << i;
  }
}

TEST(goroutine_pool, drains_half) {
  goroutine_pool pool;
  goroutine_cache cache;
  pool.refill(cache);
  const std::size_t full = cache.count();
  pool.drain(cache);
  EXPECT_EQ(cache.count(), full - full / 2);
}

class goroutine_pool_by_threads : public unit::at_counts {};
WEFT_AT_COUNTS(goroutine_pool_by_threads);

TEST_P(goroutine_pool_by_threads, never_gives_one_block_to_two) {
  goroutine_pool pool;
  unit::on_threads(GetParam(), [&](int number) {
    goroutine_cache cache;
    std::vector<goroutine*> held;
    unit::sequence s(static_cast<unsigned>(number));
    for (int i = 0; i < scaled(50'000); ++i) {
      if (unit::below(s, 2) == 0 || held.empty()) {
        if (cache.count() == 0) pool.refill(cache);
        held.push_back(cache.pop());
        held.back()->id = static_cast<std::uint64_t>(number);
      } else {
        ASSERT_EQ(held.back()->id, static_cast<std::uint64_t>(number));
        cache.push(held.back());
        held.pop_back();
        if (cache.count() > 20) pool.drain(cache);
      }
    }
  });
}

}  // namespace
