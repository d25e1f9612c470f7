// A once's compiled half.
#pragma once

#include <cstdint>

#include <weft/detail/atomic.hpp>
#include <weft/detail/sync/waiting_line.hpp>
#include <weft/detail/wait_bound.hpp>

namespace weft::detail {

enum class once_state : std::uint8_t { idle, running, done };
/// What the caller is to do: run the function and end(); nothing; nothing, because it gave up.
enum class once_turn : std::uint8_t { run, done, gave_up };

class once_core {
 public:
  constexpr once_core() noexcept = default;
  once_core(const once_core&) = delete;
  once_core& operator=(const once_core&) = delete;
  ~once_core();

  bool done() const noexcept { return state_.read() == once_state::done; }
  [[nodiscard]] once_turn begin(const wait_bound& bound) noexcept;
  void end() noexcept;

 private:
  published_to_users<once_state> state_{once_state::idle};
  waiting_line line_;
};

}  // namespace weft::detail
