// The tables that exceptions are unwound by (.eh_frame), read for one address.
//
// Threads: any; also in a signal handler.
// Tested by: tests/unit/port/trace/stack_trace_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::detail {

// Numbers of registers as DWARF has them for this processor.
#if defined(__x86_64__)
inline constexpr unsigned unwind_register_count = 17;
inline constexpr unsigned unwind_fp = 6;
inline constexpr unsigned unwind_sp = 7;
inline constexpr unsigned unwind_pc = 16;
#else
inline constexpr unsigned unwind_register_count = 32;
inline constexpr unsigned unwind_fp = 29;
inline constexpr unsigned unwind_sp = 31;
inline constexpr unsigned unwind_lr = 30;
#endif

enum class register_rule : std::uint8_t {
  same,           // not saved: it has the value that it has here
  lost,           // of the return address: this is the outermost frame
  at_offset,      // in memory, at CFA + value
  is_offset,      // CFA + value
  in_register,    // in the register `value`
  at_expression,  // in memory, where the expression says
  is_expression,  // what the expression says
};

struct register_entry {
  register_rule rule = register_rule::same;
  std::int64_t value = 0;                    // offset or register
  const std::uint8_t* expression = nullptr;  // its length, then its code
};

/// How the caller's registers are found when execution is at one address. The CFA is the caller's
/// stack pointer.
struct unwind_row {
  const std::uint8_t* cfa_expression = nullptr;  // null: a register and an offset
  unsigned cfa_register = unwind_register_count;
  std::int64_t cfa_offset = 0;
  register_entry registers[unwind_register_count];
  unsigned return_register = 0;
  bool is_signal_frame = false;  // the caller was interrupted; it did not call
};

/// Returns false if no loaded code at `pc` has a table that this reads.
bool find_unwind_row(std::uintptr_t pc, unwind_row& row) noexcept;

/// Where the function begins; 0 if there is no table for it.
std::uintptr_t unwind_function_start(std::uintptr_t pc) noexcept;

/// Reads numbers of DWARF's encodings. The memory must be a loaded table.
class table_reader {
 public:
  explicit table_reader(const std::uint8_t* at) noexcept : at_(at) {}

  const std::uint8_t* position() const noexcept { return at_; }
  void skip(std::size_t bytes) noexcept { at_ += bytes; }
  template <class Number>
  Number number() noexcept {
    Number read;
    __builtin_memcpy(&read, at_, sizeof read);
    at_ += sizeof read;
    return read;
  }
  std::uint8_t byte() noexcept { return *at_++; }
  std::uint64_t unsigned_leb() noexcept { return leb().bits; }
  std::int64_t signed_leb() noexcept {
    leb_number n = leb();
    if (n.width < 64 && n.negative) n.bits |= ~std::uint64_t{0} << n.width;
    return static_cast<std::int64_t>(n.bits);
  }
  /// A block with its length before it; returns where the length stands.
  const std::uint8_t* block() noexcept {
    const std::uint8_t* start = at_;
    const std::uint64_t bytes = unsigned_leb();
    at_ += bytes;
    return start;
  }

 private:
  struct leb_number {
    std::uint64_t bits;
    unsigned width;
    bool negative;
  };
  leb_number leb() noexcept {
    leb_number n{0, 0, false};
    for (;;) {
      const std::uint8_t next = byte();
      if (n.width < 64) n.bits |= std::uint64_t{next & 0x7FU} << n.width;
      n.width += 7;
      if ((next & 0x80U) == 0) {
        n.negative = (next & 0x40U) != 0;
        return n;
      }
    }
  }

  const std::uint8_t* at_;
};

}  // namespace weft::detail
