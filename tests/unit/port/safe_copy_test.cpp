// Memory that is there is copied; what is not there is refused and hurts nobody.
#include "port/trace/safe_copy.hpp"

#include <sys/mman.h>

#include <cstring>
#include <string>

#include "port/stack_memory.hpp"
#include "unit_support.hpp"

namespace {

using weft::detail::copy_memory;
using weft::detail::copy_string;
using weft::detail::page_bytes;

/// Two pages, of which the second is not mapped.
class page_before_nothing {
 public:
  page_before_nothing() {
    const std::size_t page = page_bytes();
    low_ = static_cast<char*>(::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE,
                                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ::munmap(low_ + page, page);
  }
  page_before_nothing(const page_before_nothing&) = delete;
  page_before_nothing& operator=(const page_before_nothing&) = delete;
  ~page_before_nothing() { ::munmap(low_, page_bytes()); }
  char* end() const { return low_ + page_bytes(); }

 private:
  char* low_;
};

TEST(safe_copy, copies_what_is_there) {
  const std::string from(100'000, 'x');
  std::string to(from.size(), ' ');
  EXPECT_TRUE(copy_memory(to.data(), from.data(), from.size()));
  EXPECT_EQ(to, from);
}

TEST(safe_copy, refuses_what_is_not_there) {
  const page_before_nothing page;
  char to[16];
  EXPECT_TRUE(copy_memory(to, page.end() - 8, 8));
  EXPECT_FALSE(copy_memory(to, page.end() - 8, 16));
  EXPECT_FALSE(copy_memory(to, nullptr, 16));
}

TEST(safe_copy, copies_a_string_that_ends_where_the_memory_does) {
  const page_before_nothing page;
  std::memcpy(page.end() - 6, "weft!", 6);
  char to[64];
  ASSERT_TRUE(copy_string(to, sizeof to, page.end() - 6));
  EXPECT_STREQ(to, "weft!");
}

TEST(safe_copy, cuts_a_long_string_and_refuses_one_without_an_end) {
  char to[5];
  ASSERT_TRUE(copy_string(to, sizeof to, "goroutine"));
  EXPECT_STREQ(to, "goro");
  const page_before_nothing page;
  std::memset(page.end() - 6, 'x', 6);
  char more[64];
  EXPECT_FALSE(copy_string(more, sizeof more, page.end() - 6));
  EXPECT_FALSE(copy_string(more, sizeof more, nullptr));
}

}  // namespace
