#include "terminal/console.hpp"

#include <limits.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace digest {

namespace {

/// How long leave() waits for a line that is being written: a pipe may be full for ever.
constexpr std::chrono::milliseconds last_line_wait{200};
constexpr std::string_view clear_line = "\r\x1b[K";

/// Returns: 0 or an errno.
int write_all(int fd, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

/// Whole lines from the front of `text`, as many as a pipe takes all at once or not at all.
std::string_view atomic_part(std::string_view text) {
  if (text.size() <= PIPE_BUF) return text;
  const std::size_t last = text.substr(0, PIPE_BUF).rfind('\n');
  const std::size_t end = last != std::string_view::npos ? last : text.find('\n');
  return text.substr(0, end == std::string_view::npos ? text.size() : end + 1);
}

}  // namespace

class console::turn {
 public:
  explicit turn(const weft::chan<void>& c) : channel_(c) { channel_.send(); }
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;
  ~turn() { channel_.recv(); }

 private:
  const weft::chan<void>& channel_;
};

console::console(std::string program)
    : program_(std::move(program)), lines_on_terminal_(isatty(STDOUT_FILENO) != 0) {}

void console::print(std::string_view lines) {
  while (!lines.empty()) {
    const std::string_view part = atomic_part(lines);
    int error = 0;
    {
      const turn mine(turn_);
      if (lines_on_terminal_) wipe_owner();
      error = write_all(STDOUT_FILENO, part);
    }
    if (error != 0) give_up(error);
    lines.remove_prefix(part.size());
  }
}

void console::give_up(int write_error) {
  if (write_error == EPIPE) leave(128 + SIGPIPE);  // in silence, as if the signal had come
  say("write error: " + std::generic_category().message(write_error));
  leave(1);
}

void console::say(std::string_view text) {
  const std::string line = program_ + ": " + std::string(text) + '\n';
  const turn mine(turn_);
  wipe_owner();
  write_all(STDERR_FILENO, line);
}

void console::draw(std::string_view bar) {
  const turn mine(turn_);
  write_all(STDERR_FILENO, std::string(clear_line).append(bar));
  bar_shown_ = true;
}

void console::wipe() {
  const turn mine(turn_);
  wipe_owner();
}

void console::wipe_owner() noexcept {
  if (!bar_shown_) return;
  write_all(STDERR_FILENO, clear_line);
  bar_shown_ = false;
}

void console::leave(int status) {
  if (turn_.send_for(last_line_wait) == weft::channel_status::ok) wipe_owner();
  std::_Exit(status);
}

bool console::has_terminal() noexcept { return isatty(STDERR_FILENO) != 0; }

unsigned console::columns() noexcept {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace digest
