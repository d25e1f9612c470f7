// What `go` needs from the compiled half: room for a closure inside a control block, and a start.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <source_location>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace weft::detail {

class goroutine;

/// Where a goroutine was started: a source line where the call could carry one, else a code
/// address.
struct creation_site {
  std::source_location where{};
  const void* address = nullptr;
};

/// The address that the caller will return to.
const void* here() noexcept;

/// What the caller of `go` asked for beside the function itself.
struct spawn_request {
  std::string_view name{};
  std::size_t stack_bytes = 0;  // 0: the default
  creation_site site{};
};

/// A goroutine that does not run yet. Given back when its closure could not be made.
class goroutine_draft {
 public:
  /// Throws: std::bad_alloc, std::system_error (no thread to run it), std::invalid_argument
  /// (stack size out of range). Nothing has happened then.
  goroutine_draft(const spawn_request& request, std::size_t bytes, std::size_t alignment);
  goroutine_draft(const goroutine_draft&) = delete;
  goroutine_draft& operator=(const goroutine_draft&) = delete;
  ~goroutine_draft() {
    if (goroutine_) give_up();
  }

  void* storage() const noexcept { return storage_; }
  goroutine& block() const noexcept { return *goroutine_; }
  /// `run(storage)` calls the closure and destroys it, whatever happens.
  void start(void (*run)(void*)) noexcept;

 private:
  void set_up(const spawn_request& request, std::size_t bytes, std::size_t alignment);
  void give_up() noexcept;

  goroutine* goroutine_;
  void* storage_;
};

/// A function with its arguments, copied as std::thread copies them.
template <class F, class... Args>
struct closure {
  F function;
  std::tuple<Args...> arguments;

  template <class G, class... Brgs>
  explicit closure(G&& g, Brgs&&... brgs)
      : function(std::forward<G>(g)), arguments(std::forward<Brgs>(brgs)...) {}

  static void run(void* storage) {
    // Safety: storage holds the closure that start_closure() constructed there.
    auto* self = std::launder(static_cast<closure*>(storage));
    struct destroy_at_exit {
      closure* c;
      ~destroy_at_exit() { std::destroy_at(c); }
    } guard{self};
    std::apply(
        [self](auto&... each) {
          static_cast<void>(std::invoke(std::move(self->function), std::move(each)...));
        },
        self->arguments);
  }
};

[[noreturn]] void throw_nil_function();

template <class F>
void reject_nil(const F& f) {
  if constexpr (!std::is_function_v<F> && requires { static_cast<bool>(f == nullptr); })
    if (f == nullptr) throw_nil_function();
}

template <class F, class... Args>
void start_closure(const spawn_request& request, F&& f, Args&&... args) {
  static_assert(std::is_invocable_v<std::decay_t<F>, std::decay_t<Args>...>,
                "weft::go: the function cannot be called with these arguments");
  using closure_type = closure<std::decay_t<F>, std::decay_t<Args>...>;
  reject_nil(f);
  goroutine_draft draft(request, sizeof(closure_type), alignof(closure_type));
  ::new (draft.storage()) closure_type(std::forward<F>(f), std::forward<Args>(args)...);
  draft.start(&closure_type::run);
}

/// What `exit_goroutine` throws. It is not a std::exception: only the runtime catches it for good.
struct exit_request {};

}  // namespace weft::detail
