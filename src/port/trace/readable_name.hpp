// A function's name, short enough for people.
//
// Threads: any; also in a signal handler.
// Tested by: tests/unit/port/trace/readable_name_test.cpp
#pragma once

#include <cstddef>
#include <string_view>

namespace weft::detail {

inline constexpr std::size_t readable_name_max = 150;

/// Room for one name.
class name_room {
 public:
  std::string_view text() const noexcept { return {text_, used_}; }
  void append(std::string_view more) noexcept;
  bool overflowed() const noexcept { return overflowed_; }
  void reset() noexcept {
    used_ = 0;
    overflowed_ = false;
  }

 private:
  char text_[readable_name_max];
  std::size_t used_ = 0;
  bool overflowed_ = false;
};

/// From what the demangler says. Without the return type; `std::string` for what it stands for; of
/// a longer one the inner template arguments are cut first, then the parameters, then the end.
std::string_view readable_name(std::string_view demangled, name_room& room) noexcept;

/// Whether it is a part of weft's own works, or of the standard library's way to call a function.
bool is_internal_name(std::string_view readable) noexcept;
/// The latter, of an inlined function, whose namespace is not known.
bool is_call_helper(std::string_view unqualified) noexcept;

}  // namespace weft::detail
