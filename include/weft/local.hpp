#pragma once

#include <concepts>
#include <exception>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include <weft/detail/local_core.hpp>

namespace weft {

/// A variable of which every goroutine has its own: what `thread_local` is to threads. It follows
/// its goroutine from thread to thread. On a plain thread it is the thread's.
///
/// A goroutine's value is made when it is first used there: `T()`, or what the factory returns. It
/// is not inherited. It ends with the goroutine: after the function given to `go` has returned, or
/// was unwound by `exit_goroutine` (and its arguments and captures are gone), in the reverse order
/// in which the values were made. Their destructors run on the goroutine: they may block, and use
/// this and other locals (what they make anew ends as well). A goroutine that waits for ever at
/// the end of the program ends nothing.
///
/// Usually it is static. One that is not may end while goroutines still have values of it: that of
/// the caller ends at once, each other one with its goroutine, or earlier, when a new local takes
/// its place there.
///
/// Why not `thread_local`: a goroutine may continue on another thread after anything that blocks,
/// and compilers keep the address of a thread_local across a call.
///
/// Cost:    an access takes 2 to 3 ns; the first use in a goroutine allocates.
/// Misuse:  a factory, or T's constructor, that uses the same variable calls itself for ever.
/// Threads: any goroutine and thread uses the variable, each its own value; a reference to that may
///          be handed to others, who synchronise as usual.
/// Example: examples/channels/depth.cpp
/// ```
/// static weft::local<int> depth;
/// ++*depth;
/// ```
template <class T>
class local {
  static_assert(std::is_object_v<T> && std::same_as<T, std::remove_cv_t<T>>,
                "weft::local<T>: T must be a plain value type");

 public:
  /// Values begin as T(). Throws: std::bad_alloc.
  local()
    requires std::default_initializable<T>
      : slot_(detail::local_slot_acquire()) {}
  /// Values begin as what `make()` returns. Throws: std::bad_alloc, what copying `make` throws.
  template <class F>
    requires std::is_invocable_r_v<T, F&> && (!std::same_as<std::remove_cvref_t<F>, local>)
  explicit local(F&& make) : make_(std::forward<F>(make)), slot_(detail::local_slot_acquire()) {}
  local(const local&) = delete;
  local& operator=(const local&) = delete;
  ~local() {
    detail::local_end(slot_);
    detail::local_slot_release(slot_);
  }

  /// This goroutine's value, made now if there is none.
  /// Throws: std::bad_alloc, what making a T throws; there is no value then.
  T& get() const {
    if (T* there = get_if()) [[likely]]
      return *there;
    return create([this]() -> T { return make_ ? make_() : initial(); });
  }
  T& operator*() const { return get(); }
  T* operator->() const { return std::addressof(get()); }

  /// Null: this goroutine has no value yet.
  T* get_if() const noexcept {
    detail::local_value* found = detail::local_find(slot_);
    // Safety: only create() attaches values to this slot and serial.
    return found ? std::addressof(static_cast<value*>(found)->held) : nullptr;
  }
  bool has_value() const noexcept { return detail::local_find(slot_) != nullptr; }

  /// Sets this goroutine's value.
  void set(T v) const {
    if constexpr (std::is_move_assignable_v<T>)
      if (T* there = get_if()) {
        *there = std::move(v);
        return;
      }
    create([&v]() -> T { return std::move(v); });
  }
  /// Ends this goroutine's value, if it has one; the next use makes another.
  void reset() const noexcept { detail::local_end(slot_); }

 private:
  struct value : detail::local_value {
    template <class Make>
    explicit value(Make&& make) : held(make()) {
      destroy = [](detail::local_value* self) noexcept { delete static_cast<value*>(self); };
    }
    T held;
  };

  static T initial() {
    if constexpr (std::default_initializable<T>)
      return T();
    else
      std::terminate();  // such a variable has a factory
  }

  /// Making the value may park, and use other locals: the place is looked up again afterwards.
  template <class Make>
  T& create(Make&& make) const {
    detail::local_reserve(slot_);
    auto* made = new value(std::forward<Make>(make));
    detail::local_attach(slot_, *made);
    return made->held;
  }

  std::function<T()> make_;
  detail::local_slot slot_;
};

}  // namespace weft
