// A trace as text: functions, files and lines, in Go's layout.
//
//   app::parser::next(int)
//           /src/parser.cpp:42 +0x1f
// Threads: any; also in a signal handler, as far as the reading of debug information allows it: it
//          takes no lock of weft's and no memory from malloc.
// Tested by: tests/unit/port/trace/frames_test.cpp
#pragma once

#include <signal.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "port/trace/stack_trace.hpp"

namespace weft::detail {

/// Where text goes.
class text_sink {
 public:
  virtual void write(std::string_view text) noexcept = 0;

 protected:
  ~text_sink() = default;
};

/// A file descriptor; what cannot be written is lost. Collects up to a line. SIGPIPE is blocked
/// meanwhile: a report that nobody reads must not change what the process dies of.
class fd_sink final : public text_sink {
 public:
  explicit fd_sink(int fd) noexcept;
  fd_sink(const fd_sink&) = delete;
  fd_sink& operator=(const fd_sink&) = delete;
  ~fd_sink();
  void write(std::string_view text) noexcept override;
  void flush() noexcept;

 private:
  int fd_;
  std::size_t used_ = 0;
  char buffer_[512];
  sigset_t mask_before_;
};

/// A string; `failed()` when there was no memory, and the text is cut.
class string_sink final : public text_sink {
 public:
  explicit string_sink(std::string& to) noexcept : to_(to) {}
  void write(std::string_view text) noexcept override;
  bool failed() const noexcept { return failed_; }

 private:
  std::string& to_;
  bool failed_ = false;
};

/// Prints the frames of a trace, two lines each. Those of weft's own works are left out, unless the
/// environment says WEFT_TRACE=all. Returns how many were printed.
std::size_t write_frames(text_sink& to, std::span<const std::uintptr_t> pcs) noexcept;
/// The same; says how many frames of the middle are left out.
void write_frames(text_sink& to, const long_trace& trace) noexcept;

/// Reads the debug information now, which takes memory and time, so that a crash needs less.
void prepare_symbols() noexcept;

}  // namespace weft::detail
