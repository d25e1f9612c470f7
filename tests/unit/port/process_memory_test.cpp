// Does it list what can keep a pointer, and read only what is there?
#include "port/trace/process_memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>

#include <gtest/gtest.h>

namespace {

using weft::detail::address_span;
using weft::detail::mapped_table;
using weft::detail::process_memory;

int in_data = 1;
const int in_constants = 1;

std::uintptr_t number_of(const void* address) { return reinterpret_cast<std::uintptr_t>(address); }

bool holds(const mapped_table<address_span>& all, const void* address) {
  return std::any_of(all.begin(), all.end(), [&](const address_span& s) {
    return s.low <= number_of(address) && number_of(address) < s.high;
  });
}

TEST(ProcessMemory, ListsWhatCanBeWritten) {
  mapped_table<address_span> all;
  ASSERT_TRUE(process_memory::list_keeping(all));
  const auto on_heap = std::make_unique<int>(1);
  thread_local int of_thread = 1;
  int on_stack = 1;
  for (const void* each : {&in_data, on_heap.get(), &of_thread, &on_stack})
    EXPECT_TRUE(holds(all, each));
  EXPECT_FALSE(holds(all, &in_constants));
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end(),
                             [](const auto& a, const auto& b) { return a.low < b.low; }));
}

TEST(ProcessMemory, ReadsAsFarAsThereIsSomething) {
  constexpr std::size_t page = 4096;
  char* low = static_cast<char*>(
      ::mmap(nullptr, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(low, MAP_FAILED);
  std::memset(low, 7, page);
  ASSERT_EQ(::munmap(low + page, page), 0);
  const process_memory memory;
  ASSERT_TRUE(memory);
  char copy[3 * page] = {};
  EXPECT_EQ(memory.read(copy, number_of(low), sizeof copy), page);
  EXPECT_EQ(std::count(copy, copy + page, 7), static_cast<std::ptrdiff_t>(page));
  EXPECT_EQ(memory.read(copy, number_of(low + page), page), 0U);
  EXPECT_EQ(memory.read(copy, number_of(low + 2 * page), page), page);
  ::munmap(low, page);
  ::munmap(low + 2 * page, page);
}

TEST(MappedTable, KeepsWhatItHoldsWhenItGrows) {
  mapped_table<std::uint64_t> table;
  for (std::uint64_t i = 0; i < 100'000; ++i) table.push_back(i * i);
  ASSERT_EQ(table.size(), 100'000U);
  for (std::uint64_t i = 0; i < 100'000; ++i) ASSERT_EQ(table[i], i * i);
  EXPECT_EQ(table.pop_back(), std::uint64_t{99'999} * 99'999);
  EXPECT_EQ(table.size(), 99'999U);
}

}  // namespace
