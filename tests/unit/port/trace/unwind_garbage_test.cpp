// A broken stack gives a short trace or a wrong one, but nothing is read that must not be.
#include <sys/mman.h>

#include <cstring>

#include "port/stack_memory.hpp"
#include "trace_support.hpp"
#include "unit_support.hpp"

namespace {

using namespace trace_test;
using weft::detail::page_bytes;
using weft::detail::unwind_trace;

using word_sequence = std::mt19937_64;  // seeded with a constant

/// Memory with an unmapped page on either side: whoever reads beyond it dies.
class island {
 public:
  explicit island(std::size_t pages) : bytes_(pages * page_bytes()) {
    base_ = static_cast<std::byte*>(
        ::mmap(nullptr, bytes_ + 2 * page_bytes(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ::mprotect(low(), bytes_, PROT_READ | PROT_WRITE);
  }
  island(const island&) = delete;
  island& operator=(const island&) = delete;
  ~island() { ::munmap(base_, bytes_ + 2 * page_bytes()); }

  std::byte* low() const { return base_ + page_bytes(); }
  std::size_t bytes() const { return bytes_; }

 private:
  std::byte* base_;
  std::size_t bytes_;
};

TRACE_FRAME void stand(standing_stack& at) { at.stop(); }

/// Addresses of real code, so that real tables are applied to what makes no sense.
std::vector<std::uintptr_t> code_addresses() {
  const standing_stack still(stand);
  std::vector<std::uintptr_t> all = still.unwind(still.copy());
  for (const auto known :
       {start_of(::qsort), start_of(::snprintf), start_of(::mmap), start_of(::abort)})
    all.push_back(known);
  const std::vector<std::uintptr_t> here = oracle_trace();
  all.insert(all.end(), here.begin(), here.end());
  return all;
}

class garbage {
 public:
  explicit garbage(std::uint64_t seed) : next_(seed), code_(code_addresses()) {}

  std::uintptr_t address_near(std::uintptr_t low, std::size_t bytes) {
    switch (next_() % 4) {
      case 0:
        return next_();
      case 1:
        return low + next_() % (2 * bytes) - bytes / 2;
      default:
        return low + (next_() % bytes & ~std::uintptr_t{7});
    }
  }
  std::uintptr_t code() {
    return next_() % 4 == 0 ? next_() : code_[next_() % code_.size()] + next_() % 512 - 128;
  }
  std::uintptr_t word(std::uintptr_t low, std::size_t bytes) {
    return next_() % 2 == 0 ? code() : address_near(low, bytes);
  }

 private:
  word_sequence next_;
  std::vector<std::uintptr_t> code_;
};

TEST(unwind_garbage, of_random_words_and_registers_ends_and_reads_only_the_copy) {
  const island memory(2);
  constexpr std::uintptr_t pretended = 0x7f00'0000'0000;
  garbage random(1);
  std::size_t frames = 0;
  for (int round = 0; round < weft_test::scaled(2000); ++round) {
    for (std::size_t at = 0; at < memory.bytes(); at += 8) {
      const std::uintptr_t word = random.word(pretended, memory.bytes());
      std::memcpy(memory.low() + at, &word, sizeof word);
    }
    for (int start = 0; start < 20; ++start) {
      const saved_registers from{random.code(), random.address_near(pretended, memory.bytes()),
                                 random.address_near(pretended, memory.bytes())};
      std::uintptr_t pcs[50];
      const std::size_t count = unwind_trace(from, {memory.low(), pretended, memory.bytes()}, pcs);
      ASSERT_LE(count, 50U);
      frames += count;
    }
  }
  EXPECT_GT(frames, 2000U) << "hardly any table was applied: the test tests nothing";
}

TEST(unwind_garbage, of_a_real_stack_with_single_words_spoilt) {
  const standing_stack still(stand);
  const std::vector<std::byte> whole = still.copy();
  garbage random(2);
  const std::size_t used = std::min<std::size_t>(whole.size(), 4096) / 8 * 8;
  for (int round = 0; round < weft_test::scaled(20'000); ++round) {
    std::vector<std::byte> spoilt = whole;
    const std::size_t at = static_cast<std::size_t>(round) * 8 % used;
    const std::uintptr_t word = random.word(still.stack_pointer(), whole.size());
    std::memcpy(spoilt.data() + at, &word, sizeof word);
    ASSERT_LE(still.unwind(spoilt, 60).size(), 60U);
  }
}

TEST(unwind_garbage, of_no_memory_has_the_first_frame_only) {
  const std::uintptr_t here = start_of(stand) + 1;
  std::uintptr_t pcs[8];
  EXPECT_EQ(unwind_trace({here, 0x1000, 0x1000}, {nullptr, 0, 0}, pcs), 1U);
  EXPECT_EQ(pcs[0], here);
  EXPECT_EQ(unwind_trace({here, UINTPTR_MAX - 7, UINTPTR_MAX - 7}, {nullptr, 0, 0}, pcs), 1U);
}

}  // namespace
