// What a goroutine, or a plain thread, has of its own: its name, its labels, its local values.
//
// Threads: its owner. Others may read a goroutine's name when it cannot run (a panic report).
// Tested by: tests/unit/fiber/{labels,local_values}_test.cpp, tests/unit/api/local_test.cpp
#pragma once

#include <string_view>

#include "fiber/own/labels.hpp"
#include "fiber/own/local_values.hpp"

namespace weft::detail {

struct belongings {
  char* name = nullptr;  // owned; null: no name
  label_set* labels = nullptr;
  local_values* locals = nullptr;

  /// "": none. Throws: std::bad_alloc; the name is as it was then.
  void rename(std::string_view to);
  /// With user code: destructors, which may park and use locals.
  void end_locals() noexcept;
  /// Without.
  void drop_names() noexcept;
};

/// The calling plain thread's. They end with the thread.
belongings& thread_belongings() noexcept;

}  // namespace weft::detail
