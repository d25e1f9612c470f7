// A trace as text. This file is compiled with debug information.
#include "port/trace/frames.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <thread>

#include "port/trace/symbols.hpp"
#include "trace_support.hpp"
#include "unit_support.hpp"

// Named by the linker too, which knows what is exported only.
constexpr int line_of_capture = __LINE__ + 2;
extern "C" TRACE_FRAME std::size_t frames_test_capture(weft::detail::trace_span pcs) {
  const std::size_t count = weft::detail::capture_trace(pcs);
  asm volatile("");
  return count;
}

namespace {

using weft::detail::fd_sink;
using weft::detail::string_sink;
using weft::detail::symbols_have_lines;
using weft::detail::write_frames;

thread_local volatile int frames_sink = 0;

TRACE_FRAME std::size_t innermost(weft::detail::trace_span pcs) {
  const std::size_t count = frames_test_capture(pcs);
  frames_sink = 1;
  return count;
}

std::string frames_here() {
  std::uintptr_t pcs[60];
  const std::size_t count = innermost(pcs);
  std::string text;
  string_sink to(text);
  write_frames(to, {pcs, count});
  return text;
}

TEST(frames, are_named_by_function_file_and_line) {
  const std::string text = frames_here();
  EXPECT_NE(text.find("frames_test_capture\n\t"), std::string::npos) << text;
  if (!symbols_have_lines()) GTEST_SKIP() << "built without libbacktrace: no lines";
  const std::string place = "frames_test.cpp:" + std::to_string(line_of_capture) + " +0x";
  EXPECT_NE(text.find(place), std::string::npos) << text;
  EXPECT_NE(text.find("(anonymous namespace)::innermost("), std::string::npos) << text;
}

TEST(frames, of_wefts_own_works_are_left_out_unless_they_are_asked_for) {
  EXPECT_EQ(frames_here().find("capture_trace"), std::string::npos);
  ::setenv("WEFT_TRACE", "all", 1);
  const std::string all = frames_here();
  ::unsetenv("WEFT_TRACE");
  if (!symbols_have_lines()) GTEST_SKIP() << "built without libbacktrace: no symbol table";
  EXPECT_NE(all.find("weft::detail::capture_trace("), std::string::npos) << all;
}

TEST(frames, take_two_lines_each) {
  const std::string text = frames_here();
  std::size_t lines = 0;
  for (std::size_t at = 0; at < text.size(); ++lines) {
    const bool place = text[at] == '\t';
    EXPECT_EQ(place, lines % 2 == 1) << text;
    at = text.find('\n', at) + 1;
    ASSERT_NE(at, 0U) << "the last line does not end";
  }
  EXPECT_GT(lines, 2U);
}

TEST(frames, of_an_unknown_address_are_said_to_be_unknown) {
  const std::uintptr_t pcs[] = {8};
  std::string text;
  string_sink to(text);
  EXPECT_EQ(write_frames(to, pcs), 1U);
  EXPECT_EQ(text, "?\n\t0x8\n");
}

TEST(frames, of_a_long_trace_say_how_many_are_left_out) {
  weft::detail::long_trace trace;
  for (std::uintptr_t i = 0; i < 1'000'070; ++i) trace.add(i % 1000);
  std::string text;
  string_sink to(text);
  write_frames(to, trace);
  EXPECT_NE(text.find("\n... 1000000 frames are left out ...\n"), std::string::npos);
}

TEST(frames, are_the_same_for_many_threads_at_once) {
  const std::string expected = frames_here();
  unit::on_threads(4, [](int) {
    for (int i = 0; i < 50; ++i) {
      const std::string text = frames_here();
      EXPECT_EQ(text.find("frames_test_capture"), 0U) << text;
    }
  });
}

TEST(fd_sink, writes_lines_of_any_length) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const std::string longer(2000, 'x');
  {
    fd_sink to(ends[1]);
    to.write("");
    to.write("a");
    to.write("b\n");
    to.write(longer);
  }
  ::close(ends[1]);
  std::string text(4000, '\0');
  std::size_t used = 0;
  for (ssize_t n = 1; n > 0; used += static_cast<std::size_t>(n))
    n = ::read(ends[0], text.data() + used, text.size() - used);
  ::close(ends[0]);
  EXPECT_EQ(text.substr(0, used), "ab\n" + longer);
}

TEST(fd_sink, survives_a_pipe_that_nobody_reads) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  ::close(ends[0]);
  {
    fd_sink to(ends[1]);
    to.write("nobody hears this\n");
  }
  ::close(ends[1]);
  sigset_t pending;
  ::sigpending(&pending);
  EXPECT_EQ(::sigismember(&pending, SIGPIPE), 0);
}

}  // namespace
