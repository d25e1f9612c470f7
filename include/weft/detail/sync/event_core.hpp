// An event's compiled half.
#pragma once

#include <cstdint>

#include <weft/detail/atomic.hpp>
#include <weft/detail/sync/waiting_line.hpp>
#include <weft/detail/wait_bound.hpp>

namespace weft::detail {

enum class wait_reason : std::uint8_t;

class event_core {
 public:
  constexpr event_core() noexcept = default;
  constexpr explicit event_core(bool is_set) noexcept : word_(is_set ? set_bit : 0) {}
  event_core(const event_core&) = delete;
  event_core& operator=(const event_core&) = delete;
  ~event_core();

  bool is_set() const noexcept {
    // Order: set. acquire pairs with the release in set().
    return word_.load(acquire) == set_bit;
  }
  void set() noexcept;
  void reset() noexcept;
  bool wait(const wait_bound& bound) noexcept;
  /// The same for what is built from an event and has a name of its own in dumps.
  bool wait_for_flight(const wait_bound& bound) noexcept;

 private:
  static constexpr std::uint32_t waits = 1;  // somebody stands in the line; the event is not set
  static constexpr std::uint32_t set_bit = 2;

  bool announce_locked() noexcept;
  bool wait_as(wait_reason reason, const wait_bound& bound) noexcept;

  atomic<std::uint32_t> word_{0};
  waiting_line line_;
};

}  // namespace weft::detail
