// A task's typed half: the result, and behind it the function with its arguments.
#pragma once

#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include <weft/detail/tasks/task_core.hpp>

namespace weft::detail {

/// Room for what a function returns; a reference is kept as a pointer.
template <class R>
class task_result : public task_core {
  using stored =
      std::conditional_t<std::is_reference_v<R>, std::remove_reference_t<R>*, std::remove_cv_t<R>>;

 public:
  /// Once, after take().
  R move_out() {
    if constexpr (std::is_reference_v<R>)
      return static_cast<R>(*value_);
    else
      return std::move(value_);
  }

 protected:
  explicit task_result(const task_actions& actions) noexcept : task_core(actions) {}
  ~task_result() {
    if (outcome() == task_outcome::value) std::destroy_at(&value_);
  }
  template <class Call>
  void keep(Call&& call) {
    if constexpr (std::is_reference_v<R>)
      value_ = std::addressof(static_cast<std::remove_reference_t<R>&>(call()));
    else
      ::new (static_cast<void*>(std::addressof(value_))) stored(call());
  }

 private:
  union {
    stored value_;
  };
};

template <>
class task_result<void> : public task_core {
 public:
  void move_out() {}

 protected:
  explicit task_result(const task_actions& actions) noexcept : task_core(actions) {}
  ~task_result() = default;
  template <class Call>
  void keep(Call&& call) {
    call();
  }
};

template <class R, class... Call>
class task_block final : public task_result<R> {
 public:
  template <class... Given>
  explicit task_block(Given&&... given)
      : task_result<R>(actions), call_(std::in_place, std::forward<Given>(given)...) {}
  ~task_block() = default;

 private:
  static void run(task_core& core) {
    auto& self = static_cast<task_block&>(core);
    // What the function has captured is gone before anybody is told that it has ended.
    struct forget_call {
      task_block& block;
      ~forget_call() { block.call_.reset(); }
    } guard{self};
    self.keep([&self]() -> R {
      return std::apply([](auto&... each) -> R { return std::invoke(std::move(each)...); },
                        *self.call_);
    });
  }
  static void destroy(task_core& core) noexcept { delete static_cast<task_block*>(&core); }

  static constexpr task_actions actions{run, destroy};
  std::optional<std::tuple<Call...>> call_;
};

template <class F, class... Args>
using spawn_result = std::invoke_result_t<std::decay_t<F>, std::decay_t<Args>...>;

/// Returns: a block whose goroutine is on its way; whoever takes it drops it.
template <class F, class... Args>
task_result<spawn_result<F, Args...>>* start_task(const spawn_request& request, F&& f,
                                                  Args&&... args) {
  using block = task_block<spawn_result<F, Args...>, std::decay_t<F>, std::decay_t<Args>...>;
  reject_nil(f);
  auto fresh = std::make_unique<block>(std::forward<F>(f), std::forward<Args>(args)...);
  task_start(*fresh, request);
  return fresh.release();
}

}  // namespace weft::detail
