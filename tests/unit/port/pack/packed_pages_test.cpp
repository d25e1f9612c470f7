// Packed pages by themselves: pages of a slab, with bytes at their ends, and owners that are flags.
#include "port/pack/packed_pages.hpp"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <set>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "port/pack/packed_store.hpp"
#include "port/pack/packed_table.hpp"
#include "port/stack_memory.hpp"
#include "port/sync/barrier.hpp"
#include "port/trace/safe_copy.hpp"
#include "unit_support.hpp"

namespace {

using weft::detail::copy_memory;
using weft::detail::hint;
using weft::detail::pack_mark;
using weft::detail::pack_request;
using weft::detail::packed_store;
using weft::detail::packed_table;
using weft::detail::pages_in_use;
using weft::detail::raw_buffer;
namespace packed_pages = weft::detail::packed_pages;

constexpr std::size_t live_bytes = 600;

bool stands_still(pack_request&) { return true; }
bool has_moved(pack_request&) { return false; }

class pages : public testing::Test {
 protected:
  void SetUp() override {
    weft::detail::prepare_barriers();
    if (const char* why = packed_pages::prepare()) GTEST_SKIP() << why;
    slab_ = weft::detail::reserve_stack_slab(count * spacing);
    ASSERT_TRUE(slab_);
    ASSERT_TRUE(packed_pages::know_memory(slab_, count * spacing));
    ASSERT_EQ(packed_pages::count(), 0U);
    for (std::size_t i = 0; i < count; ++i) fill(i);
  }
  void TearDown() override { packed_pages::bring_back_all(); }

  static constexpr std::size_t count = 64;
  static constexpr std::size_t spacing = 16384;

  unsigned char* live(std::size_t i) {
    return reinterpret_cast<unsigned char*>(slab_) + (i + 1) * spacing - live_bytes;
  }
  static unsigned char byte(std::size_t i, std::size_t k) {
    return static_cast<unsigned char>(i * 31 + k * 7 + 1);
  }
  void fill(std::size_t i) {
    for (std::size_t k = 0; k < live_bytes; ++k) live(i)[k] = byte(i, k);
  }
  bool is_whole(std::size_t i) {
    for (std::size_t k = 0; k < live_bytes; ++k)
      if (live(i)[k] != byte(i, k)) return false;
    return true;
  }
  pack_request request(std::size_t i) {
    auto* const at = reinterpret_cast<std::byte*>(live(i));
    return {.live = at, .top = at + live_bytes, .dead = slab_ + i * spacing, .mark = &marks_[i]};
  }
  int pack_one(std::size_t i) {
    pack_request q = request(i);
    return packed_pages::pack(&q, 1, stands_still);
  }

  std::byte* slab_ = nullptr;
  std::vector<hint<pack_mark>> marks_ = std::vector<hint<pack_mark>>(count);
};

TEST_F(pages, come_back_to_their_owner) {
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_EQ(pack_one(i), 1);
    EXPECT_EQ(marks_[i].read(), pack_mark::packed);
  }
  EXPECT_EQ(packed_pages::count(), count);
  const std::size_t touched_before = packed_pages::touch_count();
  for (std::size_t i = 0; i < count; ++i) {
    packed_pages::bring_back(live(i), marks_[i]);
    EXPECT_EQ(marks_[i].read(), pack_mark::none);
    EXPECT_TRUE(is_whole(i));
  }
  EXPECT_EQ(packed_pages::touch_count(), touched_before);
  EXPECT_EQ(packed_pages::count(), 0U);
}

TEST_F(pages, give_their_memory_back_meanwhile) {
  ASSERT_EQ(pack_one(3), 1);
  EXPECT_EQ(weft::detail::touched_from_top(slab_ + 3 * spacing, spacing), 0U);
  packed_pages::bring_back(live(3), marks_[3]);
  EXPECT_EQ(weft::detail::touched_from_top(slab_ + 3 * spacing, spacing), 4096U);
}

TEST_F(pages, come_back_when_they_are_read_or_written) {
  ASSERT_EQ(pack_one(0), 1);
  ASSERT_EQ(pack_one(1), 1);
  EXPECT_TRUE(is_whole(0));
  EXPECT_EQ(marks_[0].read(), pack_mark::touched);
  live(1)[5] = 99;
  EXPECT_EQ(live(1)[4], byte(1, 4));
  EXPECT_EQ(live(1)[5], 99);
  EXPECT_EQ(pack_one(0), 0) << "its owner has not had a turn since";
  packed_pages::bring_back(live(0), marks_[0]);
  EXPECT_EQ(pack_one(0), 1);
}

TEST_F(pages, are_let_alone_when_their_owner_moved) {
  pack_request q = request(2);
  EXPECT_EQ(packed_pages::pack(&q, 1, has_moved), 0);
  EXPECT_EQ(marks_[2].read(), pack_mark::none);
  EXPECT_EQ(packed_pages::count(), 0U);
  EXPECT_TRUE(is_whole(2));
}

TEST_F(pages, are_seen_by_the_kernel_as_not_there_unless_weft_holds_them) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(pack_one(4), 1);
  EXPECT_EQ(::write(ends[1], live(4), 8), -1);
  EXPECT_EQ(errno, EFAULT);
  {
    const raw_buffer buffer{live(4), 8};
    const pages_in_use stay({&buffer, 1});
    EXPECT_EQ(::write(ends[1], live(4), 8), 8);
    marks_[4].write(pack_mark::none);
    EXPECT_EQ(pack_one(4), 0) << "in use";
  }
  EXPECT_EQ(pack_one(4), 1);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_F(pages, can_be_looked_at_without_coming_back) {
  ASSERT_EQ(pack_one(7), 1);
  unsigned char copy[4096];
  ASSERT_TRUE(copy_memory(copy, live(7) + live_bytes - sizeof copy, sizeof copy));
  EXPECT_EQ(std::memcmp(copy + sizeof copy - live_bytes,
                        std::vector<unsigned char>([] {
                          std::vector<unsigned char> expected;
                          for (std::size_t k = 0; k < live_bytes; ++k)
                            expected.push_back(byte(7, k));
                          return expected;
                        }())
                            .data(),
                        live_bytes),
            0);
  EXPECT_EQ(packed_pages::count(), 1U);
}

TEST_F(pages, of_a_child_of_fork_come_back_in_it) {
  ASSERT_EQ(pack_one(8), 1);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(is_whole(8) ? 0 : 1);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(marks_[8].read(), pack_mark::packed);
  EXPECT_TRUE(is_whole(8));
}

/// A reader of a page that is just coming back must not see zeros, and a write must not be lost.
TEST_F(pages, come_back_in_one_instant) {
  constexpr int rounds = 20'000;
  std::atomic<int> round{0};
  std::atomic<bool> packs{true};
  std::atomic<long> wrong{0};
  auto* const counter = reinterpret_cast<std::atomic<long>*>(live(9) + live_bytes - 16);
  counter->store(0);
  std::atomic<long> added{0};
  std::vector<std::thread> strangers;
  for (int t = 0; t < 3; ++t)
    strangers.emplace_back([&] {
      for (int seen = 0; packs.load();) {
        const int now = round.load();
        if (now == seen) {
          std::this_thread::yield();
          continue;
        }
        seen = now;
        for (std::size_t k = 0; k < live_bytes - 32; k += 37)
          if (live(9)[k] != byte(9, k)) ++wrong;
        counter->fetch_add(1);
        ++added;
      }
    });
  for (int i = 1; i <= rounds; ++i) {
    marks_[9].write(pack_mark::none);
    ASSERT_GE(pack_one(9), 0);
    round.store(i);
    if (i % 3 == 0) packed_pages::bring_back(live(9), marks_[9]);
    if (i % 5 == 0) std::this_thread::yield();
  }
  packs.store(false);
  for (std::thread& t : strangers) t.join();
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_EQ(counter->load(), added.load());
}

using pages_death = unit::in_a_fresh_process;

TEST_F(pages_death, a_true_fault_is_still_one) {
  weft::detail::prepare_barriers();
  if (const char* why = packed_pages::prepare()) GTEST_SKIP() << why;
  EXPECT_DEATH(
      {
        weft::detail::prepare_barriers();
        static_cast<void>(packed_pages::prepare());
        std::byte* low = weft::detail::reserve_stack_slab(65536);
        static_cast<void>(packed_pages::know_memory(low, 65536));
        static_cast<void>(weft::detail::install_guard(low));
        *reinterpret_cast<volatile char*>(low) = 1;
      },
      "");
}

TEST(packed_table_test, finds_what_is_in_it) {
  static packed_table table;
  std::set<std::uintptr_t> there;
  unit::sequence s(7);
  for (int step = 0; step < 60'000; ++step) {
    const auto page = static_cast<std::uintptr_t>(1 + unit::below(s, 20'000)) * 4096 * 64;
    if (there.count(page) != 0) {
      ASSERT_EQ(table.find(page), reinterpret_cast<void*>(page));
      table.erase(page);
      there.erase(page);
    } else {
      ASSERT_EQ(table.find(page), nullptr);
      ASSERT_TRUE(table.reserve(page));
      table.insert(page, reinterpret_cast<void*>(page));
      there.insert(page);
    }
  }
  for (const std::uintptr_t page : there)
    ASSERT_EQ(table.find(page), reinterpret_cast<void*>(page));
  std::size_t from = 0;
  while (const std::uintptr_t page = table.any(from)) {
    ASSERT_EQ(there.erase(page), 1U);
    table.erase(page);
  }
  EXPECT_TRUE(there.empty());
}

TEST(packed_store_test, rooms_do_not_overlap) {
  static packed_store store;
  struct room {
    unsigned char* low;
    std::size_t bytes;
    unsigned char value;
  };
  std::vector<room> rooms;
  unit::sequence s(11);
  for (int step = 0; step < 40'000; ++step) {
    if (rooms.size() > 300 || (!rooms.empty() && unit::below(s, 2) == 0)) {
      std::swap(rooms[static_cast<std::size_t>(unit::below(s, int(rooms.size())))], rooms.back());
      const room r = rooms.back();
      rooms.pop_back();
      for (std::size_t i = 0; i < r.bytes; ++i) ASSERT_EQ(r.low[i], r.value);
      store.give_back(r.low);
    } else {
      const auto bytes = static_cast<std::size_t>(16 + unit::below(s, 3073));
      auto* const low = static_cast<unsigned char*>(store.take(bytes));
      ASSERT_TRUE(low);
      rooms.push_back({low, bytes, static_cast<unsigned char>(step)});
      std::memset(low, rooms.back().value, bytes);
    }
  }
  for (const room& r : rooms) store.give_back(r.low);
  EXPECT_EQ(store.mapping_count(), 1U);
}

}  // namespace
