#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft {

namespace detail {
class label_set;
}  // namespace detail

/// What the calling goroutine is: its number, its name, its labels.
///
/// Labels say what a goroutine is working on, as Go's profiler labels do: pairs of strings, of
/// which a goroutine inherits those that its creator has when it calls `go` (or `wait_group::go`,
/// `after_func` ...). Without labels a start costs nothing more; with some, one shared count.
///
/// All of it works on a plain thread as well: names and labels are then the thread's, and
/// goroutines that it starts inherit its labels.
/// Example: examples/channels/request_labels.cpp
namespace this_goroutine {

/// Unique in the process and never used again. 0: on a plain thread.
[[nodiscard]] std::uint64_t id() noexcept;

/// "": it has none. Valid until set_name, at most until the goroutine ends.
[[nodiscard]] std::string_view name() noexcept;
/// Reports that name the goroutine use it; "" takes it away. Throws: std::bad_alloc.
void set_name(std::string_view name);

/// The value of a label; nullopt: it is not set. Valid until this goroutine's labels change.
[[nodiscard]] std::optional<std::string_view> label(std::string_view key) noexcept;
/// Copies of all, sorted by key. Throws: std::bad_alloc.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> labels();
/// For the rest of this goroutine, and for those that it starts from now on.
/// Throws: std::bad_alloc; nothing has changed then.
void set_label(std::string_view key, std::string_view value);
/// Does nothing if it is not set. Throws: std::bad_alloc.
void clear_label(std::string_view key);

/// Sets a label for a scope: at its end the labels are what they were at its beginning.
/// ```
/// weft::this_goroutine::with_label work("request", id);
/// weft::go(handle);  // inherits it
/// ```
/// Misuse: it ends on the goroutine on which it began; scopes nest.
class with_label {
 public:
  /// Throws: std::bad_alloc.
  with_label(std::string_view key, std::string_view value);
  with_label(const with_label&) = delete;
  with_label& operator=(const with_label&) = delete;
  ~with_label();

 private:
  detail::label_set* before_;
};

}  // namespace this_goroutine
}  // namespace weft
