// Printing traces.
#include "port/trace/frames.hpp"

#include <cxxabi.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "port/trace/readable_name.hpp"
#include "port/trace/symbols.hpp"

namespace weft::detail {
namespace {

bool wants_all_frames() noexcept {
  const char* text = std::getenv("WEFT_TRACE");
  return text && std::strcmp(text, "all") == 0;
}

/// weft's own source files. An inlined function has its last name only; then the file tells.
bool is_own_source(const char* file) noexcept {
  constexpr std::string_view here = __FILE__;
  constexpr std::size_t root = here.rfind("port/trace/frames.cpp");
  const std::string_view name = file ? file : "";
  if (name.find("/weft/detail/") != std::string_view::npos) return true;
  return root != std::string_view::npos && root > 0 && name.starts_with(here.substr(0, root));
}

/// Between the brackets of template arguments and parameters there are other names.
bool is_qualified(std::string_view name) noexcept {
  return name.substr(0, name.find_first_of("<(")).find("::") != std::string_view::npos ||
         name.starts_with("(anonymous namespace)::");
}

class frame_printer {
 public:
  frame_printer(text_sink& to, bool all) noexcept : to_(to), all_(all) {}

  void print(std::uintptr_t pc) noexcept { find_symbols(pc, print_one, this); }
  std::size_t count() const noexcept { return count_; }

 private:
  static void print_one(void* raw, const symbol& s) { static_cast<frame_printer*>(raw)->print(s); }

  void print_unknown(std::uintptr_t pc) noexcept {
    char text[40];
    std::snprintf(text, sizeof text, "?\n\t0x%llx\n", static_cast<unsigned long long>(pc));
    to_.write(text);
    ++count_;
  }

  void print(const symbol& s) noexcept {
    if (!s.function && !s.file && !s.object) return print_unknown(s.offset);
    name_room room;
    const std::string_view name = readable(s.function, room);
    if (!all_ && is_internal(name, s)) return;
    ++count_;
    to_.write(name);
    to_.write("\n\t");
    char place[64];
    if (s.file) {
      to_.write(s.file);
      std::snprintf(place, sizeof place, ":%d +0x%llx\n", s.line, offset(s));
    } else {
      to_.write(s.object ? s.object : "");
      std::snprintf(place, sizeof place, " +0x%llx\n", offset(s));
    }
    to_.write(place);
  }

  static unsigned long long offset(const symbol& s) noexcept { return s.offset; }

  static std::string_view readable(const char* function, name_room& room) noexcept {
    if (!function) return "?";
    int status = 0;
    char* text = abi::__cxa_demangle(function, nullptr, nullptr, &status);
    const std::string_view name = readable_name(text ? text : function, room);
    std::free(text);
    return name;
  }

  static bool is_internal(std::string_view name, const symbol& s) noexcept {
    if (is_internal_name(name)) return true;
    return !is_qualified(name) && (is_own_source(s.file) || is_call_helper(name));
  }

  text_sink& to_;
  bool all_;
  std::size_t count_ = 0;
};

std::size_t print_all(text_sink& to, std::span<const std::uintptr_t> pcs, bool all) noexcept {
  frame_printer printer(to, all);
  for (const std::uintptr_t pc : pcs) printer.print(pc);
  return printer.count();
}

}  // namespace

std::size_t write_frames(text_sink& to, std::span<const std::uintptr_t> pcs) noexcept {
  return print_all(to, pcs, wants_all_frames());
}

void write_frames(text_sink& to, const long_trace& trace) noexcept {
  std::uintptr_t outer[long_trace::outer_max];
  const std::size_t outer_count = trace.outer(outer);
  const bool all = wants_all_frames();
  std::size_t count = print_all(to, trace.inner(), all);
  if (trace.left_out() > 0) {
    char text[64];
    std::snprintf(text, sizeof text, "... %llu frames are left out ...\n",
                  static_cast<unsigned long long>(trace.left_out()));
    to.write(text);
  }
  count += print_all(to, {outer, outer_count}, all);
  if (count == 0) print_all(to, trace.inner(), true);
}

void prepare_symbols() noexcept {
  // Safety: any function of this program will do.
  const auto somewhere = reinterpret_cast<std::uintptr_t>(&prepare_symbols);
  find_symbols(
      somewhere, [](void*, const symbol&) {}, nullptr);
}

namespace {

sigset_t pipe_signal() noexcept {
  sigset_t only;
  ::sigemptyset(&only);
  ::sigaddset(&only, SIGPIPE);
  return only;
}

}  // namespace

fd_sink::fd_sink(int fd) noexcept : fd_(fd) {
  const sigset_t only = pipe_signal();
  ::pthread_sigmask(SIG_BLOCK, &only, &mask_before_);
}

fd_sink::~fd_sink() {
  flush();
  const sigset_t only = pipe_signal();
  const timespec now{0, 0};
  if (::sigismember(&mask_before_, SIGPIPE) == 0)
    while (::sigtimedwait(&only, nullptr, &now) > 0) {
    }
  ::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
}

void fd_sink::write(std::string_view text) noexcept {
  while (!text.empty()) {
    if (used_ == sizeof buffer_) flush();
    const std::size_t count = std::min(text.size(), sizeof buffer_ - used_);
    std::memcpy(buffer_ + used_, text.data(), count);
    used_ += count;
    text.remove_prefix(count);
  }
  if (used_ > 0 && buffer_[used_ - 1] == '\n') flush();
}

void fd_sink::flush() noexcept {
  const char* at = buffer_;
  while (used_ > 0) {
    const ssize_t count = ::write(fd_, at, used_);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    at += count;
    used_ -= static_cast<std::size_t>(count);
  }
  used_ = 0;
}

void string_sink::write(std::string_view text) noexcept {
  try {
    to_ += text;
  } catch (const std::bad_alloc&) {
    failed_ = true;
  }
}

}  // namespace weft::detail
