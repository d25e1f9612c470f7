// Running the little programs of DWARF's call frame information (DWARF 5, section 6.4; what is
// peculiar to .eh_frame stands in the Linux Standard Base).
#include "port/trace/unwind_table.hpp"

#include <array>
#include <optional>

extern "C" {

struct dwarf_eh_bases {
  void* text;
  void* data;
  void* function;
};

// The unwinder's own look-up, which throwing uses: it knows every loaded object and every table
// that was registered at run time. glibc 2.35 lets it search without a lock.
const void* _Unwind_Find_FDE(void* pc, dwarf_eh_bases* bases);
}

namespace weft::detail {
namespace {

/// The part that functions share. It starts the rules of every address.
struct common_entry {
  std::uint64_t code_step = 0;
  std::int64_t data_step = 0;
  unsigned return_register = 0;
  std::uint8_t pointer_encoding = 0;
  bool has_augmentation_data = false;
  bool is_signal_frame = false;
  const std::uint8_t* code = nullptr;
  const std::uint8_t* code_end = nullptr;
};

/// Of a pointer as the table has it. Nothing: it is of a kind that compilers do not write there.
std::optional<std::size_t> encoded_size(std::uint8_t encoding) noexcept {
  switch (encoding & 0x0FU) {
    case 0x00:
    case 0x04:
    case 0x0C:
      return 8;
    case 0x02:
    case 0x0A:
      return 2;
    case 0x03:
    case 0x0B:
      return 4;
    default:
      return std::nullopt;
  }
}

bool read_augmentation(const char* letters, table_reader in, common_entry& cie) noexcept {
  for (; *letters != '\0'; ++letters) {
    switch (*letters) {
      case 'R':
        cie.pointer_encoding = in.byte();
        break;
      case 'L':
        in.byte();
        break;
      case 'P': {
        const auto size = encoded_size(in.byte());
        if (!size) return false;
        in.skip(*size);
        break;
      }
      case 'S':
        cie.is_signal_frame = true;
        break;
      case 'B':  // AArch64: return addresses are signed with the other key
        break;
      default:
        return false;
    }
  }
  return true;
}

bool read_common(const std::uint8_t* start, common_entry& cie) noexcept {
  table_reader in(start);
  const auto length = in.number<std::uint32_t>();
  if (length == 0 || length == UINT32_MAX) return false;
  cie.code_end = in.position() + length;
  if (in.number<std::uint32_t>() != 0) return false;
  const std::uint8_t version = in.byte();
  if (version != 1 && version != 3) return false;
  // Safety: a string that the linker put into a read-only segment.
  const char* letters = reinterpret_cast<const char*>(in.position());
  while (in.byte() != 0) {
  }
  cie.code_step = in.unsigned_leb();
  cie.data_step = in.signed_leb();
  cie.return_register = version == 1 ? in.byte() : static_cast<unsigned>(in.unsigned_leb());
  cie.has_augmentation_data = *letters == 'z';
  if (*letters != 'z' && *letters != '\0') return false;
  if (cie.has_augmentation_data) {
    const std::uint64_t bytes = in.unsigned_leb();
    if (!read_augmentation(letters + 1, in, cie)) return false;
    in.skip(bytes);
  }
  cie.code = in.position();
  return cie.return_register < unwind_register_count;
}

/// Executes instructions until the row for one address stands.
class row_builder {
 public:
  row_builder(const common_entry& cie, std::uintptr_t function, std::uintptr_t pc,
              unwind_row& row) noexcept
      : cie_(cie), at_(function), pc_(pc), row_(row) {}

  bool run(const std::uint8_t* code, const std::uint8_t* end) noexcept {
    table_reader in(code);
    while (in.position() < end && at_ <= pc_)
      if (!step(in)) return false;
    return true;
  }
  void keep_initial() noexcept { initial_ = row_; }

 private:
  static constexpr std::size_t remembered_max = 4;

  bool step(table_reader& in) noexcept {
    const std::uint8_t op = in.byte();
    const unsigned low = op & 0x3FU;
    switch (op >> 6U) {
      case 1:
        return advance(low);
      case 2:
        return set(low, register_rule::at_offset, scaled(in.unsigned_leb()));
      case 3:
        return restore(low);
      default:
        return low <= 0x05 ? step_move(low, in) : step_rule(low, in);
    }
  }

  bool step_move(unsigned op, table_reader& in) noexcept {
    switch (op) {
      case 0x00:  // nop
        return true;
      case 0x01: {  // set_loc: .eh_frame of today's compilers has none
        return false;
      }
      case 0x02:
        return advance(in.number<std::uint8_t>());
      case 0x03:
        return advance(in.number<std::uint16_t>());
      case 0x04:
        return advance(in.number<std::uint32_t>());
      default: {  // offset_extended
        const std::uint64_t which = in.unsigned_leb();
        return set(which, register_rule::at_offset, scaled(in.unsigned_leb()));
      }
    }
  }

  bool step_rule(unsigned op, table_reader& in) noexcept {
    const auto next = [&in] { return in.unsigned_leb(); };
    std::uint64_t which = 0;
    switch (op) {
      case 0x06:
        return restore(next());
      case 0x07:
        return set(next(), register_rule::lost, 0);
      case 0x08:
        return set(next(), register_rule::same, 0);
      case 0x09:
        which = next();
        return set(which, register_rule::in_register, static_cast<std::int64_t>(next()));
      case 0x0A:
        return remember();
      case 0x0B:
        return recall();
      case 0x10:
        which = next();
        return set_expression(which, register_rule::at_expression, in.block());
      case 0x16:
        which = next();
        return set_expression(which, register_rule::is_expression, in.block());
      case 0x11:
        which = next();
        return set(which, register_rule::at_offset, scaled(in.signed_leb()));
      case 0x14:
        which = next();
        return set(which, register_rule::is_offset, scaled(next()));
      case 0x15:
        which = next();
        return set(which, register_rule::is_offset, scaled(in.signed_leb()));
      case 0x2D:  // AArch64: whether the return address is signed; the unwinder strips it always
        return true;
      case 0x2E:  // GNU_args_size: for throwing only
        next();
        return true;
      default:
        return step_cfa(op, in);
    }
  }

  bool step_cfa(unsigned op, table_reader& in) noexcept {
    switch (op) {
      case 0x0C:
        row_.cfa_register = static_cast<unsigned>(in.unsigned_leb());
        row_.cfa_offset = static_cast<std::int64_t>(in.unsigned_leb());
        break;
      case 0x12:
        row_.cfa_register = static_cast<unsigned>(in.unsigned_leb());
        row_.cfa_offset = scaled(in.signed_leb());
        break;
      case 0x0D:
        row_.cfa_register = static_cast<unsigned>(in.unsigned_leb());
        break;
      case 0x0E:
        row_.cfa_offset = static_cast<std::int64_t>(in.unsigned_leb());
        break;
      case 0x13:
        row_.cfa_offset = scaled(in.signed_leb());
        break;
      case 0x0F:
        row_.cfa_expression = in.block();
        return true;
      default:
        return false;
    }
    row_.cfa_expression = nullptr;
    return true;
  }

  std::int64_t scaled(std::uint64_t factor) const noexcept {
    return static_cast<std::int64_t>(factor) * cie_.data_step;
  }
  std::int64_t scaled(std::int64_t factor) const noexcept { return factor * cie_.data_step; }

  bool advance(std::uint64_t steps) noexcept {
    at_ += steps * cie_.code_step;
    return true;
  }
  /// Vector registers have numbers too; no frame is found by them.
  bool set(std::uint64_t which, register_rule rule, std::int64_t value) noexcept {
    if (which < unwind_register_count) row_.registers[which] = {rule, value, nullptr};
    return true;
  }
  bool set_expression(std::uint64_t which, register_rule rule, const std::uint8_t* code) noexcept {
    if (which < unwind_register_count) row_.registers[which] = {rule, 0, code};
    return true;
  }
  bool restore(std::uint64_t which) noexcept {
    if (which < unwind_register_count) row_.registers[which] = initial_.registers[which];
    return true;
  }
  bool remember() noexcept {
    if (remembered_count_ == remembered_max) return false;
    remembered_[remembered_count_++] = row_;
    return true;
  }
  bool recall() noexcept {
    if (remembered_count_ == 0) return false;
    row_ = remembered_[--remembered_count_];
    return true;
  }

  const common_entry& cie_;
  std::uintptr_t at_;
  std::uintptr_t pc_;
  unwind_row& row_;
  unwind_row initial_;
  std::array<unwind_row, remembered_max> remembered_;
  std::size_t remembered_count_ = 0;
};

}  // namespace

std::uintptr_t unwind_function_start(std::uintptr_t pc) noexcept {
  dwarf_eh_bases bases{};
  // Safety: the look-up compares the address; it reads nothing there.
  const void* found = _Unwind_Find_FDE(reinterpret_cast<void*>(pc), &bases);
  return found ? reinterpret_cast<std::uintptr_t>(bases.function) : 0;
}

bool find_unwind_row(std::uintptr_t pc, unwind_row& row) noexcept {
  dwarf_eh_bases bases{};
  // Safety: the look-up compares the address; it reads nothing there.
  const void* found = _Unwind_Find_FDE(reinterpret_cast<void*>(pc), &bases);
  if (!found) return false;
  table_reader in(static_cast<const std::uint8_t*>(found));
  const auto length = in.number<std::uint32_t>();
  if (length == 0 || length == UINT32_MAX) return false;
  const std::uint8_t* delta_place = in.position();
  const std::uint8_t* end = delta_place + length;
  common_entry cie;
  if (!read_common(delta_place - in.number<std::uint32_t>(), cie)) return false;
  const auto pointer_bytes = encoded_size(cie.pointer_encoding);
  if (!pointer_bytes) return false;
  in.skip(2 * *pointer_bytes);  // where the function begins, and its length
  if (cie.has_augmentation_data) in.skip(in.unsigned_leb());

  const auto function = reinterpret_cast<std::uintptr_t>(bases.function);
  row.return_register = cie.return_register;
  row.is_signal_frame = cie.is_signal_frame;
  row_builder builder(cie, function, pc, row);
  if (!builder.run(cie.code, cie.code_end)) return false;
  builder.keep_initial();
  return builder.run(in.position(), end);
}

}  // namespace weft::detail
