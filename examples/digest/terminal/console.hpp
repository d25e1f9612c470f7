// What stands on standard output and standard error, and never in the middle of a line.
//
// One goroutine or thread at a time has the turn; whoever ends the program takes it for good.
// Threads: everything may be called from any goroutine and any thread.
#pragma once

#include <string>
#include <string_view>

#include <weft/chan.hpp>

namespace digest {

class console {
 public:
  explicit console(std::string program);

  /// Writes whole lines to standard output. Where that fails, it says so and ends the program: the
  /// goroutines that are still at work have nothing to work for.
  void print(std::string_view lines);
  /// Writes "PROGRAM: TEXT" to standard error.
  void say(std::string_view text);
  /// Shows `bar` in the terminal's last line until something else is written.
  void draw(std::string_view bar);
  void wipe();
  /// Ends the program at once, whatever its goroutines do, but not inside a line.
  [[noreturn]] void leave(int status);

  /// Whether a bar can be shown.
  static bool has_terminal() noexcept;
  /// Columns of that terminal.
  static unsigned columns() noexcept;

 private:
  class turn;
  void wipe_owner() noexcept;
  [[noreturn]] void give_up(int write_error);

  std::string program_;
  bool lines_on_terminal_;  // then a line must not be put behind the bar
  bool bar_shown_ = false;
  weft::chan<void> turn_{1};  // a lock that parks, and that leave() can wait for with a bound
};

}  // namespace digest
