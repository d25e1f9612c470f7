// Going from frame to frame.
#include "port/trace/stack_trace.hpp"

#include <ucontext.h>

#include <algorithm>
#include <cstring>

#include "port/trace/safe_copy.hpp"
#include "port/trace/unwind_expression.hpp"

namespace weft::detail {
namespace {

constexpr std::uintptr_t word_bytes = sizeof(std::uintptr_t);

class copy_reader final : public stack_reader {
 public:
  explicit copy_reader(const stack_copy& memory) noexcept : memory_(memory) {}

  bool read_word(std::uintptr_t at, std::uintptr_t& to) noexcept override {
    if (at < memory_.low || memory_.size < word_bytes ||
        at - memory_.low > memory_.size - word_bytes)
      return false;
    std::memcpy(&to, memory_.bytes + (at - memory_.low), word_bytes);
    return true;
  }

 private:
  const stack_copy& memory_;
};

/// Memory as it is, in pieces that lie in one page each: the system is asked once for many words.
class live_reader final : public stack_reader {
 public:
  bool read_word(std::uintptr_t at, std::uintptr_t& to) noexcept override {
    const std::uintptr_t start = at & ~(sizeof piece_ - 1);
    if (at - start > sizeof piece_ - word_bytes) return copy_memory(&to, pointer(at), word_bytes);
    if (start != start_ || start == 0) {
      start_ = 0;
      if (start == 0 || !copy_memory(piece_, pointer(start), sizeof piece_)) return false;
      start_ = start;
    }
    std::memcpy(&to, piece_ + (at - start), word_bytes);
    return true;
  }

 private:
  // Safety: copy_memory() reads any address without a fault.
  static const void* pointer(std::uintptr_t at) noexcept {
    return reinterpret_cast<const void*>(at);
  }

  alignas(word_bytes) std::byte piece_[1024];
  std::uintptr_t start_ = 0;
};

/// Return addresses may carry a signature in their upper bits (pointer authentication).
std::uintptr_t without_signature(std::uintptr_t pc) noexcept {
#if defined(__aarch64__)
  register std::uintptr_t x30 asm("x30") = pc;
  asm("hint #7" : "+r"(x30));  // xpaclri: nothing on processors without it
  return x30;
#else
  return pc;
#endif
}

class unwinder {
 public:
  unwinder(const frame_registers& from, std::uintptr_t pc, stack_reader& memory) noexcept
      : registers_(from), pc_(pc), memory_(memory) {
#if defined(__x86_64__)
    registers_.set(unwind_pc, pc);  // the entries of the procedure linkage table ask for it
#endif
  }

  /// Of the frame that it is at: an address within the instruction.
  std::uintptr_t address() const noexcept { return interrupted_ ? pc_ : pc_ - 1; }

  /// Goes to the caller. Returns false when there is none, or none that can be believed.
  bool step() noexcept {
    unwind_row row;
    if (!find_unwind_row(address(), row)) return step_without_table();
    return step_by(row);
  }

 private:
  static constexpr int interruptions_max = 16;

  bool step_by(const unwind_row& row) noexcept {
    std::uintptr_t cfa = 0;
    if (!find_cfa(row, cfa)) return false;
    frame_registers caller;
    for (unsigned i = 0; i < unwind_register_count; ++i)
      if (!find_register(row.registers[i], i, cfa, caller)) return false;
    if (row.registers[unwind_sp].rule == register_rule::same) caller.set(unwind_sp, cfa);
    if (!caller.has(row.return_register) || !caller.has(unwind_sp)) return false;
    return go_to(caller, without_signature(caller.value[row.return_register]), row.is_signal_frame);
  }

  bool find_cfa(const unwind_row& row, std::uintptr_t& cfa) noexcept {
    if (row.cfa_expression) return evaluate(row.cfa_expression, registers_, memory_, nullptr, cfa);
    if (!registers_.has(row.cfa_register)) return false;
    cfa = registers_.value[row.cfa_register] + static_cast<std::uintptr_t>(row.cfa_offset);
    return true;
  }

  /// Returns false if a register that was saved cannot be read: then nothing here holds.
  bool find_register(const register_entry& entry, unsigned which, std::uintptr_t cfa,
                     frame_registers& caller) noexcept {
    std::uintptr_t at = cfa + static_cast<std::uintptr_t>(entry.value);
    std::uintptr_t value = at;
    std::uint64_t source = which;
    switch (entry.rule) {
      case register_rule::lost:
        return true;
      case register_rule::in_register:
        source = static_cast<std::uint64_t>(entry.value);
        [[fallthrough]];
      case register_rule::same:
        if (registers_.has(source)) caller.set(which, registers_.value[source]);
        return true;
      case register_rule::at_offset:
        if (!memory_.read_word(at, value)) return false;
        break;
      case register_rule::is_offset:
        break;
      case register_rule::at_expression:
        if (!evaluate(entry.expression, registers_, memory_, &cfa, at)) return false;
        if (!memory_.read_word(at, value)) return false;
        break;
      case register_rule::is_expression:
        if (!evaluate(entry.expression, registers_, memory_, &cfa, value)) return false;
        break;
    }
    caller.set(which, value);
    return true;
  }

  /// A call of an address without code stands before its callee's first instruction. What else has
  /// no table is crossed by the frame pointer.
  bool step_without_table() noexcept {
    if (interrupted_ && return_from_call()) return true;
    const std::uintptr_t fp = registers_.value[unwind_fp];
    if (!registers_.has(unwind_fp) || fp % word_bytes != 0 || fp < registers_.value[unwind_sp])
      return false;
    std::uintptr_t caller_fp = 0;
    std::uintptr_t caller_pc = 0;
    if (!memory_.read_word(fp, caller_fp) || !memory_.read_word(fp + word_bytes, caller_pc))
      return false;
    frame_registers caller;
    caller.set(unwind_fp, caller_fp);
    caller.set(unwind_sp, fp + 2 * word_bytes);
    return go_to(caller, without_signature(caller_pc), false);
  }

  bool return_from_call() noexcept {
    frame_registers caller = registers_;
    std::uintptr_t pc = 0;
#if defined(__aarch64__)
    if (!registers_.has(unwind_lr)) return false;
    pc = without_signature(registers_.value[unwind_lr]);
#else
    const std::uintptr_t sp = registers_.value[unwind_sp];
    if (!memory_.read_word(sp, pc)) return false;
    caller.set(unwind_sp, sp + word_bytes);
#endif
    unwind_row row;
    return pc != 0 && find_unwind_row(pc - 1, row) && go_to(caller, pc, false);
  }

  bool go_to(const frame_registers& caller, std::uintptr_t pc, bool interrupted) noexcept {
    const std::uintptr_t before = registers_.value[unwind_sp];
    const std::uintptr_t sp = caller.value[unwind_sp];
    // A function that was interrupted may have no frame yet (AArch64).
    const bool rises = sp > before || (interrupted_ && sp == before);
    if (interrupted ? ++interruptions_ > interruptions_max : !rises) return false;
    registers_ = caller;
    pc_ = pc;
    interrupted_ = interrupted;
    return pc_ != 0;
  }

  frame_registers registers_;
  std::uintptr_t pc_;
  stack_reader& memory_;
  bool interrupted_ = true;  // it stands at pc_, and not after a call
  int interruptions_ = 0;
};

/// Calls `found(address)` for each frame, until it returns false.
template <class Found>
void walk(const frame_registers& from, std::uintptr_t pc, stack_reader& memory,
          Found found) noexcept {
  unwinder at(from, pc, memory);
  do {
    if (!found(at.address())) return;
  } while (at.step());
}

frame_registers registers_of(const saved_registers& saved) noexcept {
  frame_registers registers;
  registers.set(unwind_sp, saved.sp);
  registers.set(unwind_fp, saved.fp);
  return registers;
}

frame_registers registers_of(const ucontext_t& interrupted, std::uintptr_t& pc) noexcept {
  frame_registers registers;
#if defined(__x86_64__)
  const greg_t* from = interrupted.uc_mcontext.gregs;
  constexpr int order[] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP,
                           REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  for (unsigned i = 0; i < std::size(order); ++i)
    registers.set(i, static_cast<std::uintptr_t>(from[order[i]]));
  pc = static_cast<std::uintptr_t>(from[REG_RIP]);
#else
  for (unsigned i = 0; i < 31; ++i) registers.set(i, interrupted.uc_mcontext.regs[i]);
  registers.set(unwind_sp, interrupted.uc_mcontext.sp);
  pc = interrupted.uc_mcontext.pc;
#endif
  return registers;
}

/// Stores what a walk finds.
struct collector {
  trace_span pcs;
  std::size_t count = 0;

  bool operator()(std::uintptr_t pc) noexcept {
    if (count == pcs.size()) return false;
    pcs[count++] = pc;
    return count < pcs.size();
  }
};

constexpr std::size_t depth_max = std::size_t{1} << 22;  // seconds

std::size_t collect(const frame_registers& from, std::uintptr_t pc, stack_reader& memory,
                    trace_span pcs) noexcept {
  collector found{pcs};
  walk(from, pc, memory, [&found](std::uintptr_t at) { return found(at); });
  return found.count;
}

void collect(const frame_registers& from, std::uintptr_t pc, stack_reader& memory,
             long_trace& to) noexcept {
  walk(from, pc, memory, [&to](std::uintptr_t at) {
    to.add(at);
    return to.depth() < depth_max;
  });
}

}  // namespace

[[gnu::noinline]] std::size_t capture_trace(trace_span pcs) noexcept {
  const saved_registers here = registers_of_this_frame();
  live_reader memory;
  return collect(registers_of(here), here.pc, memory, pcs);
}

[[gnu::noinline]] void capture_trace(long_trace& to, const void* below) noexcept {
  const saved_registers here = registers_of_this_frame();
  live_reader memory;
  constexpr std::size_t looked_at = 16;
  std::uintptr_t pcs[looked_at];
  const std::size_t count = below ? collect(registers_of(here), here.pc, memory, pcs) : 0;
  std::size_t skipped = 0;
  for (std::size_t i = 0; i < count && skipped == 0; ++i)
    if (unwind_function_start(pcs[i]) == reinterpret_cast<std::uintptr_t>(below)) skipped = i + 1;
  walk(registers_of(here), here.pc, memory, [&to, skipped, seen = std::size_t{0}](auto at) mutable {
    if (++seen > skipped) to.add(at);
    return to.depth() < depth_max;
  });
}

std::size_t capture_trace_of_signal(const void* ucontext, trace_span pcs) noexcept {
  std::uintptr_t pc = 0;
  const frame_registers from = registers_of(*static_cast<const ucontext_t*>(ucontext), pc);
  live_reader memory;
  return collect(from, pc, memory, pcs);
}

void capture_trace_of_signal(const void* ucontext, long_trace& to) noexcept {
  std::uintptr_t pc = 0;
  const frame_registers from = registers_of(*static_cast<const ucontext_t*>(ucontext), pc);
  live_reader memory;
  collect(from, pc, memory, to);
}

std::size_t unwind_trace(const saved_registers& from, const stack_copy& memory,
                         trace_span pcs) noexcept {
  copy_reader reader(memory);
  return collect(registers_of(from), from.pc, reader, pcs);
}

std::size_t long_trace::outer(trace_span pcs) const noexcept {
  const std::size_t beyond = count_ > inner_max ? count_ - inner_max : 0;
  const std::size_t kept = std::min({beyond, outer_max, pcs.size()});
  for (std::size_t i = 0; i < kept; ++i) pcs[i] = outer_[(beyond - kept + i) % outer_max];
  return kept;
}

}  // namespace weft::detail
