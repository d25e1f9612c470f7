#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include <weft/cancellation.hpp>
#include <weft/detail/deadline.hpp>
#include <weft/detail/sync/flight_core.hpp>
#include <weft/go.hpp>
#include <weft/sync/semaphore.hpp>

namespace weft {

/// Does the same work once for all who ask for it at the same time: Go's
/// `golang.org/x/sync/singleflight`.
///
/// While a function runs for a key, further calls with that key run nothing: they wait and get the
/// same result, or the same exception. It keeps nothing: the next call after the end runs anew.
///
/// A call without a bound runs its function in place. A call with a bound starts it as a goroutine
/// and waits for that: a caller that gives up leaves the flight running for the others, and for
/// nobody if there are none. So such a function must own what it uses (capture by value).
///
/// Blocks:  while the function runs.
/// Throws:  what the function throws, to every caller; what copying and hashing keys, and copying
///          the value, throws, to the caller concerned; std::bad_alloc. If the function ended by
///          exit_goroutine, the others get std::runtime_error.
/// Orders:  the end of the function happens before the return of every call that shares it.
/// Misuse:  a call from inside the function with the same key waits for itself, as in Go.
/// Threads: every operation may be called from any goroutine and any thread, together. Functions
///          for different keys run together. Keys are hashed and compared one at a time.
/// Example: examples/sync/single_flight.cpp
template <class K, std::copy_constructible V, class Hash = std::hash<K>,
          class Eq = std::equal_to<K>>
class single_flight {
 public:
  struct result {
    V value;
    bool shared;  // it was given to several callers
  };

  /// Throws: std::bad_alloc.
  single_flight() : flights_(std::make_shared<flights>()) {}
  single_flight(const single_flight&) = delete;
  single_flight& operator=(const single_flight&) = delete;

  /// Runs `f`, or waits for who runs one for this key: Go's Do.
  template <class F>
    requires std::is_invocable_r_v<V, F>
  result call(const K& key, F&& f) {
    const auto [mine, first] = flights_->join(key);
    if (first)
      flights_->template fly<F>(key, *mine, f);
    else
      mine->core.wait();
    return mine->outcome();
  }
  /// As call, but gives up when a context or a std::stop_token is cancelled, and starts nothing if
  /// it is already. Returns: nullopt if it gave up.
  template <class F>
    requires std::is_invocable_r_v<V, std::decay_t<F>&&>
  std::optional<result> call(const cancellation& ctx, const K& key, F&& f,
                             std::source_location where = std::source_location::current()) {
    return call_within(ctx.bound(), key, std::forward<F>(f), where);
  }
  /// As call, but gives up after `d`, and starts nothing if that is not positive.
  template <class Rep, class Period, class F>
    requires std::is_invocable_r_v<V, std::decay_t<F>&&>
  std::optional<result> call_for(std::chrono::duration<Rep, Period> d, const K& key, F&& f,
                                 std::source_location where = std::source_location::current()) {
    return call_within({.deadline = detail::deadline_after(d)}, key, std::forward<F>(f), where);
  }
  template <class Clock, class Duration, class F>
    requires std::is_invocable_r_v<V, std::decay_t<F>&&>
  std::optional<result> call_until(std::chrono::time_point<Clock, Duration> t, const K& key, F&& f,
                                   std::source_location where = std::source_location::current()) {
    return call_within({.deadline = detail::deadline_at(t)}, key, std::forward<F>(f), where);
  }

  /// Lets the next call with this key run its own function, also while another runs.
  void forget(const K& key) { flights_->forget(key); }

 private:
  struct flight {
    detail::flight_core core;
    std::optional<V> value;
    std::exception_ptr error;
    std::size_t others = 0;  // these three under the flights' lock; fixed when it has landed
    bool over = false;
    bool shared = false;

    result outcome() {
      // Alone, one takes it with oneself.
      if (error) std::rethrow_exception(shared ? error : std::exchange(error, nullptr));
      if (!shared) return {std::move(*value), false};
      return {*value, true};
    }
  };

  /// What runs by key. A flight in a goroutine of its own keeps it alive.
  class flights {
   public:
    std::pair<std::shared_ptr<flight>, bool> join(const K& key) {
      const locked guard(lock_);
      std::shared_ptr<flight>& known = by_key_[key];
      if (known && !known->over) {
        ++known->others;
        return {known, false};
      }
      known = std::make_shared<flight>();
      return {known, true};
    }
    /// Whatever the function does, the flight lands. Only exit_goroutine leaves this.
    template <class F>
    void fly(const K& key, flight& mine, std::remove_reference_t<F>& f) {
      const landing at_exit{*this, key, mine};
      try {
        mine.value.emplace(std::invoke(std::forward<F>(f)));
      } catch (const detail::exit_request&) {
        mine.error = detail::flight_without_end();
        throw;
      } catch (...) {
        mine.error = std::current_exception();
      }
    }
    void land(const K& key, flight& mine) noexcept {
      {
        const locked guard(lock_);
        mine.over = true;
        mine.shared = mine.others != 0;
        try {
          const auto found = by_key_.find(key);
          if (found != by_key_.end() && found->second.get() == &mine) by_key_.erase(found);
        } catch (...) {
          // Its hash or its comparison throws. It stays, and who finds it over replaces it.
        }
      }
      mine.core.land();
    }
    void forget(const K& key) {
      const locked guard(lock_);
      by_key_.erase(key);
    }

   private:
    struct landing {
      flights& of;
      const K& key;
      flight& mine;
      ~landing() { of.land(key, mine); }
    };
    /// Keys are hashed under it, so it must be a lock that parks.
    struct locked {
      explicit locked(semaphore& s) : lock(s) { lock.acquire(); }
      locked(const locked&) = delete;
      locked& operator=(const locked&) = delete;
      ~locked() { lock.release(); }
      semaphore& lock;
    };

    semaphore lock_{1};
    std::unordered_map<K, std::shared_ptr<flight>, Hash, Eq> by_key_;
  };

  template <class F>
  std::optional<result> call_within(const detail::wait_bound& bound, const K& key, F&& f,
                                    std::source_location where) {
    if (detail::flight_is_too_late(bound)) return std::nullopt;
    const auto [mine, first] = flights_->join(key);
    if (first) start(key, mine, std::forward<F>(f), where);
    if (!mine->core.wait(bound)) return std::nullopt;
    return mine->outcome();
  }

  template <class F>
  void start(const K& key, const std::shared_ptr<flight>& mine, F&& f, std::source_location where) {
    try {
      go(named("single_flight", where),
         [all = flights_, mine, key, f = std::decay_t<F>(std::forward<F>(f))]() mutable {
           all->template fly<std::decay_t<F>>(key, *mine, f);
         });
    } catch (...) {
      mine->error = std::current_exception();
      flights_->land(key, *mine);
      throw;
    }
  }

  std::shared_ptr<flights> flights_;
};

}  // namespace weft
