// Connecting by name: a race of attempts.
//
// Invariants: R1 when a race is over, so are its attempts: their connections are closed, their
//                goroutines have ended.
//             R2 the room for results is as large as there are addresses: no attempt ever waits.
// Tested by: tests/conformance/net/names/dial_test.cpp
#include <weft/net/dial.hpp>

#include <algorithm>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <weft/chan.hpp>
#include <weft/context.hpp>
#include <weft/go.hpp>
#include <weft/wait_group.hpp>

#include "api/net/names/look_up.hpp"

namespace weft::net {
namespace {

using detail::deadline_ns;
using detail::wait_bound;

struct dial_target {
  std::string_view host;
  std::string_view port;
};

/// Go's rules: a colon in the host needs brackets, and brackets need both ends.
std::optional<dial_target> split_target(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host.find_first_of("[]") != std::string_view::npos) return std::nullopt;
  if (!bracketed && host.find(':') != std::string_view::npos) return std::nullopt;
  return dial_target{host, port};
}

/// The family of the first address begins; what is left of the longer one comes last (RFC 8305, 4).
std::vector<address> interleaved(const std::vector<address>& found) {
  std::vector<address> leading, other, both;
  for (const address& each : found)
    (each.kind() == found.front().kind() ? leading : other).push_back(each);
  for (std::size_t i = 0; i < std::max(leading.size(), other.size()); ++i) {
    if (i < leading.size()) both.push_back(leading[i]);
    if (i < other.size()) both.push_back(other[i]);
  }
  return both;
}

class dial_race {
 public:
  dial_race(std::vector<address> to, const dial_options& options, const wait_bound& bound)
      : to_(std::move(to)), options_(options), bound_(bound), ended_(to_.size()) {}
  dial_race(const dial_race&) = delete;
  dial_race& operator=(const dial_race&) = delete;
  ~dial_race() {
    attempts_.cancel();
    running_.wait();
  }

  tcp_stream run(std::error_code& ec) {
    start_next();
    for (std::size_t failed = 0; failed < to_.size();) {
      detail::slot<attempt> room;
      const wait_bound bound = bound_until_next();
      const channel_status how = detail::channel_recv_bounded(ended_.core(), room.raw(), bound);
      if (how == channel_status::ok) {
        attempt ended = *room.take();
        if (!ended.ec) return std::move(ended.stream);
        if (ended.number == 0) first_error_ = ended.ec;
        ++failed;
        start_next();
      } else if (how == channel_status::timeout && bound.deadline < bound_.deadline) {
        start_next();
      } else {
        ec = detail::why_over(bound_);
        return {};
      }
    }
    ec = first_error_;
    return {};
  }

 private:
  struct attempt {
    std::size_t number = 0;
    tcp_stream stream;
    std::error_code ec;
  };

  /// Does nothing if all have been started.
  void start_next() {
    if (started_ == to_.size()) return;
    running_.go(named("weft: dial"),
                [ended = ended_, ctx = attempts_.ctx, number = started_, to = to_[started_],
                 from = options_.from] { ended.send(attempt_of(ctx, number, to, from)); });
    ++started_;
    const bool one_by_one = options_.attempt_delay == std::chrono::nanoseconds::max();
    next_at_ = one_by_one ? detail::never_ns : detail::deadline_after(options_.attempt_delay);
  }
  static attempt attempt_of(const context& ctx, std::size_t number, const address& to,
                            const address& from) {
    attempt made{number, {}, {}};
    try {
      made.stream = connect_tcp(ctx, to, {.from = from}, made.ec);
    } catch (const std::bad_alloc&) {
      made.ec = std::make_error_code(std::errc::not_enough_memory);
    }
    return made;
  }
  wait_bound bound_until_next() const noexcept {
    wait_bound bound = bound_;
    if (started_ < to_.size()) bound.deadline = std::min(bound.deadline, next_at_);
    return bound;
  }

  const std::vector<address> to_;
  const dial_options& options_;
  const wait_bound bound_;
  const chan<attempt> ended_;
  const derived_context<cancel_function> attempts_ = with_cancel(background());
  const wait_group running_;
  std::size_t started_ = 0;
  std::error_code first_error_;
  deadline_ns next_at_ = detail::never_ns;
};

tcp_stream dial_within(std::string_view host, const service& port, const dial_options& options,
                       const wait_bound& bound, std::error_code& ec) {
  const address::family only = options.from.is_ip() && options.only == address::family::none
                                   ? options.from.kind()
                                   : options.only;
  if (host.empty()) host = "localhost";
  const std::vector<address> found =
      detail::look_up(options.names.options(), host, port, only, bound, ec);
  if (ec) return {};
  try {
    dial_race race(interleaved(found), options, bound);
    return race.run(ec);
  } catch (const std::system_error& e) {  // no thread to run an attempt
    ec = e.code();
    return {};
  }
}

tcp_stream dial_text(std::string_view to, const dial_options& options, const wait_bound& bound,
                     std::error_code& ec) {
  if (const std::optional<dial_target> target = split_target(to))
    return dial_within(target->host, target->port, options, bound, ec);
  ec = std::make_error_code(std::errc::invalid_argument);
  return {};
}

tcp_stream made_or_thrown(tcp_stream made, const std::error_code& ec, const std::string& to) {
  if (ec) throw std::system_error(ec, "dial " + to);
  return made;
}
std::string text_of(std::string_view host, const service& port) {
  const bool colon = host.find(':') != std::string_view::npos;
  const std::string service = port.name().empty() ? std::to_string(port.port()) : port.name();
  return (colon ? "[" + std::string(host) + "]" : std::string(host)) + ":" + service;
}

}  // namespace

tcp_stream dial_tcp(std::string_view to, const dial_options& options, std::error_code& ec) {
  return dial_text(to, options, detail::bound_by(nullptr, options.timeout), ec);
}
tcp_stream dial_tcp(std::string_view to, const dial_options& options) {
  std::error_code ec;
  return made_or_thrown(dial_tcp(to, options, ec), ec, std::string(to));
}
tcp_stream dial_tcp(const cancellation& cancel, std::string_view to, const dial_options& options,
                    std::error_code& ec) {
  return dial_text(to, options, detail::bound_by(&cancel, options.timeout), ec);
}
tcp_stream dial_tcp(const cancellation& cancel, std::string_view to, const dial_options& options) {
  std::error_code ec;
  return made_or_thrown(dial_tcp(cancel, to, options, ec), ec, std::string(to));
}

tcp_stream dial_tcp(std::string_view host, const service& port, const dial_options& options,
                    std::error_code& ec) {
  return dial_within(host, port, options, detail::bound_by(nullptr, options.timeout), ec);
}
tcp_stream dial_tcp(std::string_view host, const service& port, const dial_options& options) {
  std::error_code ec;
  return made_or_thrown(dial_tcp(host, port, options, ec), ec, text_of(host, port));
}
tcp_stream dial_tcp(const cancellation& cancel, std::string_view host, const service& port,
                    const dial_options& options, std::error_code& ec) {
  return dial_within(host, port, options, detail::bound_by(&cancel, options.timeout), ec);
}
tcp_stream dial_tcp(const cancellation& cancel, std::string_view host, const service& port,
                    const dial_options& options) {
  std::error_code ec;
  return made_or_thrown(dial_tcp(cancel, host, port, options, ec), ec, text_of(host, port));
}

}  // namespace weft::net
