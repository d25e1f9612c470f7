// Unix sockets: connecting, listening, paths.
//
// Orders: path-once: none is needed, the kernel orders what happens to a file; one exchange decides
// who removes it.
#include <weft/net/unix.hpp>

#include <algorithm>
#include <chrono>
#include <string>

#include <weft/detail/atomic.hpp>
#include <weft/time.hpp>

#include "api/net/open_socket.hpp"
#include "port/net/datagram_calls.hpp"
#include "port/net/unix_calls.hpp"

namespace weft {

class detail::bound_path {
 public:
  explicit bound_path(std::string path)
      : path_(std::move(path)), file_(identity_of_path(path_.c_str())) {}
  bound_path(const bound_path&) = delete;
  bound_path& operator=(const bound_path&) = delete;
  ~bound_path() { remove(); }

  void remove() noexcept {
    // Order: path-once.
    if (there_.exchange(false, relaxed)) remove_path_if(path_.c_str(), file_);
  }

 private:
  std::string path_;
  file_identity file_;
  atomic<bool> there_{true};
};

void detail::bound_path_deleter::operator()(bound_path* p) const noexcept { delete p; }

namespace net {

using detail::bound_path_ptr;
using detail::io_handle_ptr;
using detail::socket_kind;
using detail::throw_if;

namespace {

class made_unix_stream : public unix_stream {
 public:
  explicit made_unix_stream(io_handle_ptr h) noexcept { handle_ = std::move(h); }
};

class made_unix_datagram : public unix_datagram {
 public:
  explicit made_unix_datagram(io_handle_ptr h) noexcept { handle_ = std::move(h); }
};

io_handle_ptr open_unix(const address& of, socket_kind kind, std::error_code& ec) {
  ec.clear();
  if (of.kind() == address::family::unix_path) return detail::open_socket(of, kind, ec);
  ec = std::make_error_code(std::errc::address_family_not_supported);
  return nullptr;
}

/// Null: nothing has to be removed.
bound_path_ptr bind_to_path(detail::io_handle* h, const address& at, bool remove,
                            std::error_code& ec) {
  detail::bind_socket(h, at, ec);
  std::string path = at.host();
  if (ec || !remove || path.empty() || path.front() == '@') return nullptr;
  return bound_path_ptr(new detail::bound_path(std::move(path)));
}

void close_with_path(detail::bound_path* path, detail::io_handle* h, std::error_code& ec) noexcept {
  // The path first: nobody finds a socket there that takes no more.
  if (path) path->remove();
  if (!h || !h->close()) ec = io_errc::closed;
}

/// A listener with a full queue refuses at once, and tells nobody when there is room again.
void connect_when_there_is_room(detail::io_handle* h, const address& to,
                                const detail::wait_bound& bound, std::error_code& ec) {
  using std::chrono::milliseconds;
  constexpr milliseconds pause_max{20};
  for (milliseconds pause{1};; pause = std::min(2 * pause, pause_max)) {
    detail::connect_socket(h, to, bound, ec);
    if (ec != std::errc::resource_unavailable_try_again) return;
    const detail::deadline_ns next = detail::deadline_after(pause);
    const bool slept = detail::sleep_bounded({std::min(next, bound.deadline), bound.cancel});
    ec.clear();
    if (!slept)
      ec = std::make_error_code(std::errc::operation_canceled);
    else if (next >= bound.deadline)
      ec = io_errc::timeout;
    if (ec) return;
  }
}

unix_stream connect_unix_within(const address& to, const connect_options& options,
                                const detail::wait_bound& bound, std::error_code& ec) {
  io_handle_ptr h = open_unix(to, socket_kind::stream, ec);
  if (options.from.size() > 0) detail::bind_socket(h.get(), options.from, ec);
  if (!ec) connect_when_there_is_room(h.get(), to, bound, ec);
  if (ec) return {};
  return made_unix_stream(std::move(h));
}

detail::wait_bound unix_bound_of(const connect_options& options) noexcept {
  if (options.timeout == std::chrono::nanoseconds::max()) return {};
  return {.deadline = detail::deadline_after(options.timeout)};
}

}  // namespace

unix_stream connect_unix(const address& to, const connect_options& options, std::error_code& ec) {
  return connect_unix_within(to, options, unix_bound_of(options), ec);
}
unix_stream connect_unix(const address& to, const connect_options& options) {
  std::error_code ec;
  unix_stream made = connect_unix(to, options, ec);
  if (ec) throw std::system_error(ec, "connect " + to.to_string());
  return made;
}
unix_stream connect_unix(const cancellation& cancel, const address& to,
                         const connect_options& options, std::error_code& ec) {
  if (cancel.cancelled()) {
    ec = std::make_error_code(std::errc::operation_canceled);
    return {};
  }
  detail::wait_bound bound = unix_bound_of(options);
  bound.cancel = cancel.state();
  return connect_unix_within(to, options, bound, ec);
}
unix_stream connect_unix(const cancellation& cancel, const address& to,
                         const connect_options& options) {
  std::error_code ec;
  unix_stream made = connect_unix(cancel, to, options, ec);
  if (ec) throw std::system_error(ec, "connect " + to.to_string());
  return made;
}

namespace {

template <class Made>
auto unix_pair(socket_kind kind, std::error_code& ec) {
  ec.clear();
  int ends[2] = {-1, -1};
  std::error_code of_second;
  io_handle_ptr first, second;
  if (detail::socket_pair_call(kind, ends) != 0) {
    ec = {errno, std::system_category()};
  } else {  // both are taken before anything fails
    first = detail::adopt_socket(ends[0], ec);
    second = detail::adopt_socket(ends[1], of_second);
    if (!ec) ec = of_second;
  }
  if (ec) return std::pair(Made(nullptr), Made(nullptr));
  return std::pair(Made(std::move(first)), Made(std::move(second)));
}

}  // namespace

std::pair<unix_stream, unix_stream> stream_pair(std::error_code& ec) {
  return unix_pair<made_unix_stream>(socket_kind::stream, ec);
}
std::pair<unix_stream, unix_stream> stream_pair() {
  std::error_code ec;
  auto made = stream_pair(ec);
  throw_if(ec, "stream_pair");
  return made;
}
std::pair<unix_datagram, unix_datagram> datagram_pair(std::error_code& ec) {
  return unix_pair<made_unix_datagram>(socket_kind::datagram, ec);
}
std::pair<unix_datagram, unix_datagram> datagram_pair() {
  std::error_code ec;
  auto made = datagram_pair(ec);
  throw_if(ec, "datagram_pair");
  return made;
}

unix_listener::unix_listener(const address& at, const unix_bind_options& options,
                             std::error_code& ec) {
  io_handle_ptr h = open_unix(at, socket_kind::stream, ec);
  bound_path_ptr path = bind_to_path(h.get(), at, options.remove_on_close, ec);
  detail::listen_on_socket(h.get(), options.backlog, ec);
  if (ec) return;
  handle_ = std::move(h);
  path_ = std::move(path);
}
unix_listener::unix_listener(const address& at, const unix_bind_options& options) {
  std::error_code ec;
  *this = unix_listener(at, options, ec);
  if (ec) throw std::system_error(ec, "listen on " + at.to_string());
}

unix_stream unix_listener::accept(std::error_code& ec) {
  ec.clear();
  if (!handle(ec)) return {};
  return made_unix_stream(detail::accept_socket(*handle_, ec));
}
unix_stream unix_listener::accept() {
  std::error_code ec;
  unix_stream taken = accept(ec);
  throw_if(ec, "accept");
  return taken;
}

void unix_listener::close(std::error_code& ec) noexcept {
  ec.clear();
  close_with_path(path_.get(), handle_.get(), ec);
}
void unix_listener::close() {
  std::error_code ec;
  close(ec);
  throw_if(ec, "close");
}

unix_datagram::unix_datagram(const address& at, const unix_bind_options& options,
                             std::error_code& ec) {
  if (at.size() > 0) {
    io_handle_ptr h = open_unix(at, socket_kind::datagram, ec);
    bound_path_ptr path = bind_to_path(h.get(), at, options.remove_on_close, ec);
    if (ec) return;
    handle_ = std::move(h);
    path_ = std::move(path);
    return;
  }
  io_handle_ptr h = open_unix(address::unix_path("@"), socket_kind::datagram, ec);
  if (!ec) h->perform_now(ec, detail::bind_to_any_name_call);
  if (!ec) handle_ = std::move(h);
}
unix_datagram::unix_datagram(const address& at, const unix_bind_options& options) {
  std::error_code ec;
  *this = unix_datagram(at, options, ec);
  if (ec) throw std::system_error(ec, "bind to " + at.to_string());
}

void unix_datagram::close(std::error_code& ec) noexcept {
  ec.clear();
  close_with_path(path_.get(), handle_.get(), ec);
}
void unix_datagram::close() {
  std::error_code ec;
  close(ec);
  throw_if(ec, "close");
}

}  // namespace net
}  // namespace weft
