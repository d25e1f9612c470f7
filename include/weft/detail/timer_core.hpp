// Timers' compiled half: a channel that the clock sends on, and a function that the clock starts.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include <weft/detail/channel_core.hpp>
#include <weft/detail/spawn.hpp>
#include <weft/detail/wait_bound.hpp>

namespace weft::detail {

/// Returns: false if the sleep was cancelled.
bool sleep_bounded(const wait_bound& bound) noexcept;

/// A channel of time_point that the clock sends on: once, or every `period_ns` if that is not zero.
channel_core* timer_make(deadline_ns delay_ns, deadline_ns period_ns);
channel_core* ticker_make(deadline_ns period_ns);
/// Returns: true if a value was still to come, or had not been received.
bool timer_stop(channel_core* c) noexcept;
bool timer_reset(channel_core* c, deadline_ns delay_ns, deadline_ns period_ns) noexcept;
void ticker_reset(channel_core* c, deadline_ns period_ns);

/// A function that a timer starts as a goroutine.
class timed_call : public std::enable_shared_from_this<timed_call> {
 public:
  template <class F>
  static std::shared_ptr<timed_call> make(creation_site site, F&& f);

  timed_call(const timed_call&) = delete;
  timed_call& operator=(const timed_call&) = delete;
  virtual ~timed_call();

  bool stop() noexcept;
  bool reset(deadline_ns delay_ns);

 protected:
  explicit timed_call(creation_site site);

 private:
  virtual void call() = 0;
  struct pending;
  creation_site site_;
  std::unique_ptr<pending> pending_;
};

template <class F>
class timed_call_of final : public timed_call {
 public:
  template <class G>
  timed_call_of(creation_site site, G&& g) : timed_call(site), f_(std::forward<G>(g)) {}

 private:
  void call() override { static_cast<void>(f_()); }
  F f_;
};

template <class F>
std::shared_ptr<timed_call> timed_call::make(creation_site site, F&& f) {
  return std::make_shared<timed_call_of<std::decay_t<F>>>(site, std::forward<F>(f));
}

}  // namespace weft::detail
