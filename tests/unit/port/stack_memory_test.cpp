// Slabs are memory, guards fault, and refusals are told.
#include "port/stack_memory.hpp"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <span>

#include "port/switch/sanitizer.hpp"
#include "unit_support.hpp"

namespace {

using weft::detail::discard_stack_memory;
using weft::detail::install_guard;
using weft::detail::install_guards;
using weft::detail::page_bytes;
using weft::detail::reserve_stack_slab;
using stack_memory = unit::in_a_fresh_process;

TEST_F(stack_memory, a_slab_can_be_written_everywhere) {
  const std::size_t bytes = 64 * page_bytes();
  std::byte* slab = reserve_stack_slab(bytes);
  ASSERT_NE(slab, nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(slab) % page_bytes(), 0U);
  std::memset(slab, 0x5a, bytes);
  EXPECT_EQ(slab[bytes - 1], std::byte{0x5a});
}

TEST_F(stack_memory, only_the_guard_page_faults) {
  const std::size_t page = page_bytes();
  std::byte* slab = reserve_stack_slab(3 * page);
  ASSERT_NE(slab, nullptr);
  ASSERT_TRUE(install_guard(slab + page));
  slab[page - 1] = slab[2 * page] = std::byte{1};
  EXPECT_DEATH(slab[page] = std::byte{1}, "");
  EXPECT_DEATH(slab[2 * page - 1] = std::byte{1}, "");
  const volatile std::byte* middle = slab + page + page / 2;
  EXPECT_DEATH(static_cast<void>(*middle), "");
}

/// More than the kernel takes at once, too.
TEST_F(stack_memory, many_guards_at_once_fault_and_nothing_else_does) {
  const std::size_t page = page_bytes();
  for (const char* kind : {"", "mprotect"}) {
    ::setenv("WEFT_GUARDS", kind, 1);
    for (const std::size_t count :
         {std::size_t{1}, std::size_t{2}, std::size_t{32}, std::size_t{100}})
      for (const std::size_t at : {std::size_t{0}, count / 2, count - 1})
        EXPECT_DEATH(
            {
              std::byte* slab = reserve_stack_slab(3 * count * page);
              bool guarded[100] = {};
              install_guards(slab, 3 * page, std::span(guarded).first(count));
              for (std::size_t i = 0; i < count; ++i) {
                if (!guarded[i]) std::_Exit(0);
                slab[3 * i * page + page] = slab[3 * (i + 1) * page - 1] = std::byte{1};
              }
              std::fputs("all others can be written\n", stderr);
              slab[3 * at * page] = std::byte{1};
              std::_Exit(0);
            },
            "all others")
            << kind << ' ' << count << ' ' << at;
  }
  ::unsetenv("WEFT_GUARDS");
}

TEST_F(stack_memory, discarding_gives_the_memory_back_and_keeps_the_guard) {
  const std::size_t page = page_bytes();
  std::byte* slab = reserve_stack_slab(4 * page);
  ASSERT_NE(slab, nullptr);
  ASSERT_TRUE(install_guard(slab));
  std::memset(slab + page, 0x5a, 3 * page);
  discard_stack_memory(slab, 4 * page);
  for (std::size_t i = page; i < 4 * page; ++i) ASSERT_EQ(slab[i], std::byte{0});
  EXPECT_DEATH(slab[0] = std::byte{1}, "");
}

TEST_F(stack_memory, touching_commits_one_page) {
  const std::size_t page = page_bytes();
  std::byte* slab = reserve_stack_slab(8 * page);
  ASSERT_NE(slab, nullptr);
  weft::detail::touch_memory(slab + 6 * page - 1);
  EXPECT_EQ(weft::detail::touched_from_top(slab, 8 * page), 3 * page);
  EXPECT_EQ(weft::detail::touched_from_top(slab, 5 * page), 0U);
}

TEST_F(stack_memory, mprotect_guards_when_asked_for) {
  ::setenv("WEFT_GUARDS", "mprotect", 1);
  const auto guarded = [] {
    std::byte* slab = reserve_stack_slab(2 * page_bytes());
    return slab && !weft::detail::guards_are_light() && install_guard(slab) ? slab : nullptr;
  };
  EXPECT_EXIT(unit::end_with(guarded() != nullptr), testing::ExitedWithCode(0), "");
  EXPECT_DEATH(
      {
        if (std::byte* slab = guarded()) *slab = std::byte{1};
        std::_Exit(0);
      },
      "");
  ::unsetenv("WEFT_GUARDS");
}

TEST_F(stack_memory, no_guards_when_asked_for_and_that_is_told) {
  ::setenv("WEFT_GUARDS", "none", 1);
  EXPECT_EXIT(
      {
        std::byte* slab = reserve_stack_slab(page_bytes());
        const bool guarded = install_guard(slab);
        *slab = std::byte{1};
        unit::end_with(!guarded);
      },
      testing::ExitedWithCode(0), "");
  ::unsetenv("WEFT_GUARDS");
}

TEST_F(stack_memory, refuses_more_than_the_machine_can_address) {
  EXPECT_EQ(reserve_stack_slab(std::size_t{1} << 60), nullptr);
}

void run_out_of_address_space() {
  const rlimit tight{std::size_t{1} << 30, RLIM_INFINITY};
  ::setrlimit(RLIMIT_AS, &tight);
  const bool refused = reserve_stack_slab(std::size_t{2} << 30) == nullptr;
  const rlimit wide{RLIM_INFINITY, RLIM_INFINITY};
  ::setrlimit(RLIMIT_AS, &wide);
  unit::end_with(refused && reserve_stack_slab(std::size_t{2} << 30) != nullptr);
}

TEST_F(stack_memory, refuses_under_a_limit_and_works_after_it) {
  if (weft_test::sanitized) GTEST_SKIP() << "a sanitizer needs all address space";
  EXPECT_EXIT(run_out_of_address_space(), testing::ExitedWithCode(0), "");
}

/// More guards than the kernel allows mappings: some are refused, and the memory stays memory.
void exhaust_mappings() {
  long mappings_max = 0;
  std::ifstream("/proc/sys/vm/max_map_count") >> mappings_max;
  const std::size_t page = page_bytes();
  const auto pairs = static_cast<std::size_t>(mappings_max);
  std::byte* slab = reserve_stack_slab(2 * pairs * page);
  if (!slab) unit::end_with(false);
  std::size_t guarded = 0;
  while (guarded < pairs && install_guard(slab + 2 * guarded * page)) ++guarded;
  if (guarded < pairs) slab[2 * guarded * page] = std::byte{1};
  unit::end_with(guarded > 0 && guarded < pairs);
}

TEST_F(stack_memory, mprotect_guards_run_out_and_that_is_told) {
  ::setenv("WEFT_GUARDS", "mprotect", 1);
  EXPECT_EXIT(exhaust_mappings(), testing::ExitedWithCode(0), "");
  ::unsetenv("WEFT_GUARDS");
}

}  // namespace
