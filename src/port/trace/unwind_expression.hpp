// DWARF expressions, as far as compilers and the C library use them to describe frames.
#pragma once

#include <cstdint>

#include "port/trace/unwind_table.hpp"

namespace weft::detail {

/// Where the unwinder gets a frame's words from. Nothing else is read.
class stack_reader {
 public:
  [[nodiscard]] virtual bool read_word(std::uintptr_t at, std::uintptr_t& to) noexcept = 0;

 protected:
  ~stack_reader() = default;
};

/// What is known of a frame's registers.
struct frame_registers {
  std::uintptr_t value[unwind_register_count] = {};
  std::uint64_t known = 0;  // bit n: value[n] holds

  bool has(std::uint64_t which) const noexcept {
    return which < unwind_register_count && ((known >> which) & 1U) != 0;
  }
  void set(unsigned which, std::uintptr_t to) noexcept {
    value[which] = to;
    known |= std::uint64_t{1} << which;
  }
};

/// `expression`: its length, then its code. `first`: what is on the expression's stack at the
/// start; null: nothing. Returns false if it needs what is not known or not readable.
[[nodiscard]] bool evaluate(const std::uint8_t* expression, const frame_registers& registers,
                            stack_reader& memory, const std::uintptr_t* first,
                            std::uintptr_t& result) noexcept;

}  // namespace weft::detail
