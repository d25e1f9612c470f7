// How far are we? A bar in the terminal's last line, drawn ten times a second.
#pragma once

#include <cstdint>

#include <weft/chan.hpp>

#include "terminal/console.hpp"

namespace digest {

/// Work done since the last step, or the work there is in all.
struct amount {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};

/// Sums up what the hashers report. Off, it costs them a test of a nil channel.
class progress {
 public:
  progress(console& screen, bool shown);
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;
  /// Takes the bar away. Call when nobody reports any more.
  ~progress();

  bool shown() const noexcept { return static_cast<bool>(steps_); }
  void report(amount step) const {
    if (steps_) steps_.send(step);
  }
  /// Where to send, once, how much there is in all; it may come late, or never.
  weft::send_chan<amount> totals() const { return totals_; }

 private:
  weft::chan<amount> steps_ = nullptr;
  weft::chan<amount> totals_{1};
  weft::chan<void> finished_{1};
};

}  // namespace digest
