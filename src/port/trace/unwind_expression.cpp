// A stack machine (DWARF 5, section 2.5).
#include "port/trace/unwind_expression.hpp"

#include <cstddef>
#include <utility>

namespace weft::detail {
namespace {

class expression_machine {
 public:
  expression_machine(const frame_registers& registers, stack_reader& memory) noexcept
      : registers_(registers), memory_(memory) {}

  bool push(std::uintptr_t value) noexcept {
    if (depth_ == depth_max) return false;
    stack_[depth_++] = value;
    return true;
  }
  bool pop(std::uintptr_t& to) noexcept {
    if (depth_ == 0) return false;
    to = stack_[--depth_];
    return true;
  }
  bool step(table_reader& in) noexcept {
    const std::uint8_t op = in.byte();
    if (op >= 0x30 && op <= 0x4F) return push(op - 0x30U);
    if (op >= 0x70 && op <= 0x8F) return push_register(op - 0x70U, in.signed_leb());
    if (op >= 0x08 && op <= 0x11) return push_constant(op, in);
    if (op >= 0x12 && op <= 0x17) return rearrange(op, in);
    if (op == 0x1F || op == 0x20 || op == 0x06 || op == 0x23 || op == 0x19)
      return change_top(op, in);
    if (op == 0x96) return true;  // nop
    return combine(op);  // no frame description of a compiler or a C library branches or divides
  }

 private:
  static constexpr std::size_t depth_max = 32;

  bool push_register(std::uint64_t which, std::int64_t offset) noexcept {
    return registers_.has(which) &&
           push(registers_.value[which] + static_cast<std::uintptr_t>(offset));
  }

  template <class Number>
  bool push_number(table_reader& in) noexcept {
    return push(static_cast<std::uintptr_t>(static_cast<std::int64_t>(in.number<Number>())));
  }

  bool push_constant(std::uint8_t op, table_reader& in) noexcept {
    switch (op) {
      case 0x08:
        return push_number<std::uint8_t>(in);
      case 0x09:
        return push_number<std::int8_t>(in);
      case 0x0A:
        return push_number<std::uint16_t>(in);
      case 0x0B:
        return push_number<std::int16_t>(in);
      case 0x0C:
        return push_number<std::uint32_t>(in);
      case 0x0D:
        return push_number<std::int32_t>(in);
      case 0x0E:
      case 0x0F:
        return push_number<std::int64_t>(in);
      case 0x10:
        return push(in.unsigned_leb());
      default:
        return push(static_cast<std::uintptr_t>(in.signed_leb()));
    }
  }

  bool rearrange(std::uint8_t op, table_reader& in) noexcept {
    const std::size_t pick = op == 0x12 ? 0 : op == 0x14 ? 1 : op == 0x15 ? in.byte() : 0;
    switch (op) {
      case 0x12:  // dup
      case 0x14:  // over
      case 0x15:  // pick
        return pick < depth_ && push(stack_[depth_ - 1 - pick]);
      case 0x13:  // drop
        return depth_ > 0 && depth_-- > 0;
      case 0x16:  // swap
        if (depth_ < 2) return false;
        std::swap(stack_[depth_ - 1], stack_[depth_ - 2]);
        return true;
      default:  // rot: the top goes below the two others
        if (depth_ < 3) return false;
        std::swap(stack_[depth_ - 1], stack_[depth_ - 2]);
        std::swap(stack_[depth_ - 2], stack_[depth_ - 3]);
        return true;
    }
  }

  bool change_top(std::uint8_t op, table_reader& in) noexcept {
    if (depth_ == 0) return false;
    std::uintptr_t& top = stack_[depth_ - 1];
    if (op == 0x06) return memory_.read_word(top, top);
    if (op == 0x1F) top = std::uintptr_t{0} - top;
    if (op == 0x20) top = ~top;
    if (op == 0x23) top += in.unsigned_leb();
    if (op == 0x19 && static_cast<std::intptr_t>(top) < 0) top = std::uintptr_t{0} - top;
    return true;
  }

  bool combine(std::uint8_t op) noexcept {
    std::uintptr_t b = 0;
    std::uintptr_t a = 0;
    if (!pop(b) || !pop(a)) return false;
    const auto sa = static_cast<std::intptr_t>(a);
    const auto sb = static_cast<std::intptr_t>(b);
    switch (op) {
      case 0x1A:
        return push(a & b);
      case 0x1C:
        return push(a - b);
      case 0x1E:
        return push(a * b);
      case 0x21:
        return push(a | b);
      case 0x22:
        return push(a + b);
      case 0x24:
        return push(b < 64 ? a << b : 0);
      case 0x25:
        return push(b < 64 ? a >> b : 0);
      case 0x26:
        return push(static_cast<std::uintptr_t>(sa >> (b < 64 ? b : 63)));
      case 0x27:
        return push(a ^ b);
      case 0x29:
        return push(sa == sb);
      case 0x2A:
        return push(sa >= sb);
      case 0x2B:
        return push(sa > sb);
      case 0x2C:
        return push(sa <= sb);
      case 0x2D:
        return push(sa < sb);
      case 0x2E:
        return push(sa != sb);
      default:
        return false;
    }
  }

  const frame_registers& registers_;
  stack_reader& memory_;
  std::uintptr_t stack_[depth_max] = {};
  std::size_t depth_ = 0;
};

}  // namespace

bool evaluate(const std::uint8_t* expression, const frame_registers& registers,
              stack_reader& memory, const std::uintptr_t* first, std::uintptr_t& result) noexcept {
  table_reader in(expression);
  const std::uint64_t bytes = in.unsigned_leb();
  const std::uint8_t* end = in.position() + bytes;
  expression_machine machine(registers, memory);
  if (first && !machine.push(*first)) return false;
  while (in.position() < end)
    if (!machine.step(in)) return false;
  return machine.pop(result);
}

}  // namespace weft::detail
