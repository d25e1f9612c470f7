// See look_up.hpp.
//
// What asks the system runs in a goroutine of its own, which blocks its thread; the caller waits
// for the answer as for any channel, and can give up. Why not the caller itself: nothing ends
// getaddrinfo() early. Why not a resolver of our own on weft's sockets: names come from files,
// caches and directories, too, as /etc/nsswitch.conf says.
//
// Invariants: R1 a look-up owns all it uses: who asked may be gone.
//             R2 look-ups off to the side <= at_once_max, so also threads that they block (twice
//                that many with servers of their own: two kinds of addresses).
// Tested by: tests/conformance/net/names/resolve_test.cpp
#include "api/net/names/look_up.hpp"

#include <algorithm>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include <weft/channels/oneshot.hpp>
#include <weft/detail/atomic.hpp>
#include <weft/detail/sync/semaphore_core.hpp>
#include <weft/go.hpp>
#include <weft/io/error.hpp>
#include <weft/runtime.hpp>

#include "port/clock.hpp"
#include "port/net/name_calls.hpp"

namespace weft::detail {
namespace {

using family = net::address::family;

constexpr std::ptrdiff_t at_once_max = 64;
constexpr std::size_t name_length_max = 254;  // of DNS, with a dot at the end
/// What the system loads to find names may be anything, and need any amount.
constexpr std::size_t look_up_stack_bytes = std::size_t{512} * 1024;

struct host_question {
  std::string host;
  net::service port;
  family only;
  net::resolver_options how;
};

struct host_answer {
  std::error_code ec;
  std::vector<net::address> found;
};

/// Never destroyed: look-ups may go on when the program ends.
semaphore_core& look_up_permits() {
  static semaphore_core& permits = *new semaphore_core(at_once_max);
  return permits;
}

struct give_permit_back {
  void operator()(semaphore_core* from) const {
    if (!from->give_back_quickly(1)) from->give_back(1);
  }
};
using look_up_permit = std::unique_ptr<semaphore_core, give_permit_back>;

host_answer failed(std::error_code ec) { return {ec, {}}; }

/// Runs `f`, whose failures are answers: it has no caller that could catch.
template <class F>
host_answer answer_of(F&& f) {
  try {
    return f();
  } catch (const std::system_error& e) {
    return failed(e.code());
  } catch (const std::bad_alloc&) {
    return failed(std::make_error_code(std::errc::not_enough_memory));
  }
}

std::optional<net::address> parse_literal(std::string_view host) {
  const bool with_colon = host.find(':') != std::string_view::npos;
  if (host.empty()) return std::nullopt;
  std::error_code ec;
  const std::string text = with_colon ? "[" + std::string(host) + "]:0" : std::string(host) + ":0";
  const net::address parsed = net::address::parse(text, ec);
  return ec || !parsed.is_ip() ? std::nullopt : std::optional(parsed);
}

bool is_wanted(family only, family is) noexcept { return only == family::none || only == is; }

/// RFC 6761: no name server is asked about these.
bool names_this_machine(std::string_view host) {
  constexpr std::string_view suffix = ".localhost";
  std::string name = "." + std::string(host);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (name.back() == '.') name.pop_back();
  return name.ends_with(suffix);
}

std::vector<net::address> this_machine(family only) {
  std::vector<net::address> found;
  if (is_wanted(only, family::ipv6)) found.push_back(net::address::parse("[::1]:0"));
  if (is_wanted(only, family::ipv4)) found.push_back(net::address::loopback());
  return found;
}

/// Without asking anybody. nullopt: somebody must be asked.
std::optional<host_answer> known_answer(const host_question& q) {
  if (q.host.empty() || q.host.size() > name_length_max)
    return failed(net::resolve_errc::host_not_found);
  if (q.host.find('\0') != std::string::npos)
    return failed(std::make_error_code(std::errc::invalid_argument));
  if (const std::optional<net::address> literal = parse_literal(q.host)) {
    if (!is_wanted(q.only, literal->kind())) return failed(net::resolve_errc::no_address);
    return host_answer{{}, {*literal}};
  }
  if (!q.how.servers.empty() && names_this_machine(q.host))
    return host_answer{{}, this_machine(q.only)};
  return std::nullopt;
}

host_answer ask_system(const host_question& q) {
  host_answer answer;
  answer.ec = look_up_host(q.host, q.only, answer.found);
  // A machine without an /etc/hosts has itself all the same.
  if (answer.ec == net::resolve_errc::host_not_found && names_this_machine(q.host))
    answer = {{}, this_machine(q.only)};
  return answer;
}

/// One server after another, until one knows, or says that there is nothing.
host_answer ask_servers(const host_question& q, family kind, const hint<bool>& given_up) {
  host_answer answer = failed(net::resolve_errc::temporary_failure);
  for (int attempt = 0; attempt < q.how.attempts; ++attempt)
    for (const net::address& server : q.how.servers) {
      if (given_up.read()) return answer;
      answer.ec = blocking(
          [&] { return ask_name_server(q.host, kind, server, q.how.timeout, answer.found); });
      if (answer.ec != net::resolve_errc::temporary_failure) return answer;
    }
  return answer;
}

/// What one kind has failed with says nothing if the other one is there; and that it is not there
/// says nothing if the other one is not known.
host_answer merged(host_answer first, host_answer second) {
  first.found.insert(first.found.end(), second.found.begin(), second.found.end());
  if (!first.found.empty()) return {{}, std::move(first.found)};
  const bool is_certain =
      first.ec == net::resolve_errc::host_not_found || first.ec == net::resolve_errc::no_address;
  return failed(is_certain ? second.ec : first.ec);
}

host_answer ask_servers_for_both(const std::shared_ptr<const host_question>& q,
                                 const std::shared_ptr<hint<bool>>& given_up) {
  const oneshot<host_answer> ipv4;
  go(named("weft: look-up").stack(look_up_stack_bytes),
     [=] { ipv4.send(answer_of([&] { return ask_servers(*q, family::ipv4, *given_up); })); });
  host_answer ipv6 = answer_of([&] { return ask_servers(*q, family::ipv6, *given_up); });
  return merged(std::move(ipv6), *ipv4.recv());
}

host_answer ask(const std::shared_ptr<const host_question>& q,
                const std::shared_ptr<hint<bool>>& given_up) {
  if (q->how.servers.empty()) return blocking([&] { return ask_system(*q); });
  if (q->only != family::none) return ask_servers(*q, q->only, *given_up);
  return ask_servers_for_both(q, given_up);
}

void put_port(host_answer& answer, std::uint16_t port) {
  std::vector<net::address> once;
  for (const net::address& each : answer.found) {
    const net::address whole = each.with_port(port);
    if (std::find(once.begin(), once.end(), whole) == once.end()) once.push_back(whole);
  }
  answer.found = std::move(once);
}

host_answer look_up_all(const std::shared_ptr<const host_question>& q,
                        const std::shared_ptr<hint<bool>>& given_up) {
  std::uint16_t port = q->port.port();
  if (!q->port.name().empty()) {
    const std::error_code ec = blocking([&] { return look_up_service(q->port.name(), port); });
    if (ec) return failed(ec);
  }
  std::optional<host_answer> answer = known_answer(*q);
  if (!answer) answer = ask(q, given_up);
  put_port(*answer, port);
  return std::move(*answer);
}

host_answer look_up_aside(std::shared_ptr<const host_question> q, const wait_bound& bound) {
  if (bound.deadline <= now_ns()) return failed(io_errc::timeout);
  semaphore_core& permits = look_up_permits();
  if (!permits.take(1, bound)) return failed(why_over(bound));
  look_up_permit permit(&permits);
  const oneshot<host_answer> result;
  const auto given_up = std::make_shared<hint<bool>>(false);
  go(named("weft: look-up").stack(look_up_stack_bytes),
     [result, given_up, q = std::move(q), permit = std::move(permit)]() mutable {
       host_answer answer = answer_of([&] { return look_up_all(q, given_up); });
       permit.reset();
       result.send(std::move(answer));
     });
  slot<host_answer> room;
  if (channel_recv_bounded(result.core(), room.raw(), bound) == channel_status::ok)
    return *room.take();
  given_up->write(true);
  return failed(why_over(bound));
}

}  // namespace

wait_bound bound_by(const cancellation* cancel, std::chrono::nanoseconds timeout) noexcept {
  wait_bound bound;
  if (timeout != std::chrono::nanoseconds::max()) bound.deadline = deadline_after(timeout);
  if (cancel) bound.cancel = cancel->state();
  return bound;
}

std::error_code why_over(const wait_bound& bound) noexcept {
  if (bound.cancel && is_cancelled(bound.cancel))
    return std::make_error_code(std::errc::operation_canceled);
  return io_errc::timeout;
}

std::vector<net::address> look_up(const net::resolver_options& how, std::string_view host,
                                  const net::service& port, family only, const wait_bound& bound,
                                  std::error_code& ec) {
  ec.clear();
  if (bound.cancel && is_cancelled(bound.cancel)) {
    ec = why_over(bound);
    return {};
  }
  const auto q =
      std::make_shared<const host_question>(host_question{std::string(host), port, only, how});
  std::optional<host_answer> answer = known_answer(*q);
  const bool is_service_known = port.name().empty() || (answer && answer->ec);
  if (answer && is_service_known)
    put_port(*answer, port.port());
  else
    answer = answer_of([&] { return look_up_aside(q, bound); });
  ec = answer->ec;
  return std::move(answer->found);
}

}  // namespace weft::detail
