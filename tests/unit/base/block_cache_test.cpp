// Small blocks between two uses.
#include "base/block_cache.hpp"

#include <gtest/gtest.h>

namespace {

using weft::detail::block_cache;

void* fresh_block() { return ::operator new(block_cache::block_bytes); }

TEST(block_caches, give_out_what_was_put_in_the_last_first) {
  block_cache cache;
  EXPECT_EQ(cache.take(), nullptr);
  void* const first = fresh_block();
  void* const second = fresh_block();
  EXPECT_TRUE(cache.give(first));
  EXPECT_TRUE(cache.give(second));
  EXPECT_EQ(cache.take(), second);
  EXPECT_EQ(cache.take(), first);
  EXPECT_EQ(cache.take(), nullptr);
  ::operator delete(first);
  ::operator delete(second);
}

TEST(block_caches, keep_so_many_and_no_more) {
  block_cache cache;
  for (std::size_t i = 0; i < block_cache::count_max; ++i) EXPECT_TRUE(cache.give(fresh_block()));
  void* const one_too_many = fresh_block();
  EXPECT_FALSE(cache.give(one_too_many));
  ::operator delete(one_too_many);
  EXPECT_EQ(cache.count(), block_cache::count_max);
}  // the rest goes with the cache: ASan sees it if not

}  // namespace
