// Deadlines as weft's compiled half sees them: steady-clock nanoseconds, saturating, with a
// "never".
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

namespace weft {

/// The clock of every wait, timer and ticker: it never goes back and does not follow the wall
/// clock.
using clock = std::chrono::steady_clock;
/// What a timer or a ticker sends: the time at which it was due.
using time_point = clock::time_point;

namespace detail {

/// Nanoseconds on the steady clock; `never_ns` is later than every other value.
using deadline_ns = std::int64_t;
inline constexpr deadline_ns never_ns = std::numeric_limits<deadline_ns>::max();

template <class Rep, class Period>
deadline_ns to_ns_saturated(std::chrono::duration<Rep, Period> d) noexcept {
  using std::chrono::nanoseconds;
  using wide = std::chrono::duration<long double, std::nano>;
  const wide exact = d;
  if (!(exact.count() < static_cast<long double>(never_ns))) return never_ns;
  if (exact.count() <= static_cast<long double>(std::numeric_limits<deadline_ns>::min()))
    return std::numeric_limits<deadline_ns>::min();
  return std::chrono::duration_cast<nanoseconds>(d).count();
}

/// The deadline `delay_ns` from now; a delay that overflows the clock never fires.
deadline_ns deadline_after_ns(deadline_ns delay_ns) noexcept;

template <class Rep, class Period>
deadline_ns deadline_after(std::chrono::duration<Rep, Period> d) noexcept {
  return deadline_after_ns(to_ns_saturated(d));
}

/// A time on another clock is translated once, by that clock's distance from its own now.
template <class Clock, class Duration>
deadline_ns deadline_at(std::chrono::time_point<Clock, Duration> t) noexcept {
  if constexpr (std::is_same_v<Clock, clock>)
    return to_ns_saturated(t.time_since_epoch());
  else
    return deadline_after(t - Clock::now());
}

inline time_point to_time_point(deadline_ns at) noexcept {
  return time_point(std::chrono::duration_cast<clock::duration>(std::chrono::nanoseconds(at)));
}

}  // namespace detail
}  // namespace weft
