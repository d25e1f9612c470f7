// See name_calls.hpp.
//
// The C library asks the servers, too: it knows how to make identifiers that nobody guesses, which
// answers to believe, and when to go on by TCP.
#include "port/net/name_calls.hpp"

#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <span>

namespace weft::detail {
namespace {

std::error_code error_of_getaddrinfo(int code, int system_error) {
  switch (code) {
    case 0:
      return {};
    case EAI_NONAME:
      return resolve_errc::host_not_found;
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
      return resolve_errc::no_address;
    case EAI_SERVICE:
      return resolve_errc::service_not_found;
    case EAI_AGAIN:
      return resolve_errc::temporary_failure;
    case EAI_MEMORY:
      return std::make_error_code(std::errc::not_enough_memory);
    case EAI_FAMILY:
      return std::make_error_code(std::errc::address_family_not_supported);
    case EAI_SYSTEM:
      if (system_error != 0) return {system_error, std::system_category()};
      break;
    default:
      break;
  }
  return resolve_errc::permanent_failure;
}

int system_family(address::family of) noexcept {
  if (of == address::family::none) return AF_UNSPEC;
  return of == address::family::ipv6 ? AF_INET6 : AF_INET;
}

constexpr std::size_t text_bytes_max = 64 * 1024;  // of a service with all its aliases

}  // namespace

std::error_code look_up_host(const std::string& host, address::family only,
                             std::vector<address>& found) {
  addrinfo hints{};
  hints.ai_family = system_family(only);
  hints.ai_socktype = SOCK_STREAM;  // each address once, not once for each kind of socket
  addrinfo* list = nullptr;
  errno = 0;
  const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (code != 0) return error_of_getaddrinfo(code, errno);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, &::freeaddrinfo);
  for (const addrinfo* each = list; each; each = each->ai_next)
    found.push_back(address::from_system(each->ai_addr, each->ai_addrlen));
  return found.empty() ? resolve_errc::no_address : std::error_code();
}

/// Why not getaddrinfo(), which does this, too: it takes "+80" and "65536" for numbers.
std::error_code look_up_service(const std::string& name, std::uint16_t& port) {
  servent room{};
  servent* found = nullptr;
  std::vector<char> text(1024);
  for (;;) {
    const int error =
        ::getservbyname_r(name.c_str(), nullptr, &room, text.data(), text.size(), &found);
    if (found) break;
    if (error != ERANGE || text.size() > text_bytes_max) return resolve_errc::service_not_found;
    text.resize(2 * text.size());
  }
  port = ntohs(static_cast<std::uint16_t>(found->s_port));
  return {};
}

namespace {

/// The C library has a lock for what its states share, but ThreadSanitizer does not see it.
std::mutex name_server_states;

/// The C library's state for one question to one server.
class name_server_state {
 public:
  name_server_state(const address& server, std::chrono::seconds patience) {
    std::memset(&state_, 0, sizeof state_);
    const std::lock_guard guard(name_server_states);
    ready_ = ::res_ninit(&state_) == 0;
    if (!ready_) return;
    // What the system's configuration says is not for this question.
    state_.options = (state_.options & RES_INIT) | RES_RECURSE;
    state_.retrans = static_cast<int>(std::clamp<long long>(patience.count(), 1, 3600));
    state_.retry = 1;
    forget_servers();
    ready_ = set_server(server);
  }
  name_server_state(const name_server_state&) = delete;
  name_server_state& operator=(const name_server_state&) = delete;
  ~name_server_state() {
    const std::lock_guard guard(name_server_states);
    ::res_nclose(&state_);
  }

  bool is_ready() const noexcept { return ready_; }
  int ask(const char* name, int type, std::span<unsigned char> answer) noexcept {
    return ::res_nquery(&state_, name, ns_c_in, type, answer.data(),
                        static_cast<int>(answer.size()));
  }
  int error() const noexcept { return state_.res_h_errno; }

 private:
  /// IPv6 servers stand in memory of their own, which res_nclose() frees for those that count.
  void forget_servers() noexcept {
    for (auto& each : state_._u._ext.nsaddrs) {
      std::free(each);
      each = nullptr;
    }
    state_.nscount = 0;
  }
  bool set_server(const address& server) noexcept {
    state_.nscount = 1;
    std::memset(&state_.nsaddr_list[0], 0, sizeof state_.nsaddr_list[0]);
    if (server.kind() == address::family::ipv4) {
      std::memcpy(&state_.nsaddr_list[0], server.data(), sizeof state_.nsaddr_list[0]);
      return true;
    }
    auto* const room = static_cast<sockaddr_in6*>(std::calloc(1, sizeof(sockaddr_in6)));
    if (!room) return false;
    std::memcpy(room, server.data(), std::min(server.size(), sizeof *room));
    state_._u._ext.nsaddrs[0] = room;
    return true;
  }

  struct __res_state state_;
  bool ready_ = false;
};

/// Reads the answers of a message, which may say anything.
class answer_reader {
 public:
  explicit answer_reader(std::span<const unsigned char> message) : message_(message) {}

  void collect(address::family kind, std::vector<address>& found) {
    if (message_.size() < NS_HFIXEDSZ) return;
    const unsigned questions = number_at(4);
    const unsigned answers = number_at(6);
    at_ = NS_HFIXEDSZ;
    for (unsigned i = 0; i < questions; ++i)
      if (!skip_name() || !skip(NS_QFIXEDSZ)) return;
    for (unsigned i = 0; i < answers; ++i)
      if (!take_record(kind, found)) return;
  }

 private:
  unsigned number_at(std::size_t at) const noexcept {
    return static_cast<unsigned>(message_[at]) << 8U | message_[at + 1];
  }
  std::size_t left() const noexcept { return message_.size() - at_; }
  bool skip(std::size_t bytes) noexcept {
    if (left() < bytes) return false;
    at_ += bytes;
    return true;
  }
  bool skip_name() noexcept {
    const int bytes = ::dn_skipname(message_.data() + at_, message_.data() + message_.size());
    return bytes >= 0 && skip(static_cast<std::size_t>(bytes));
  }
  /// Other kinds are aliases on the way to the addresses: the server has followed them.
  bool take_record(address::family kind, std::vector<address>& found) {
    if (!skip_name() || left() < NS_RRFIXEDSZ) return false;
    const unsigned type = number_at(at_);
    const unsigned bytes = number_at(at_ + 8);
    at_ += NS_RRFIXEDSZ;
    if (left() < bytes) return false;
    const unsigned char* const data = message_.data() + at_;
    if (kind == address::family::ipv4 && type == ns_t_a && bytes == NS_INADDRSZ) {
      sockaddr_in made{};
      made.sin_family = AF_INET;
      std::memcpy(&made.sin_addr, data, NS_INADDRSZ);
      found.push_back(address::from_system(&made, sizeof made));
    } else if (kind == address::family::ipv6 && type == ns_t_aaaa && bytes == NS_IN6ADDRSZ) {
      sockaddr_in6 made{};
      made.sin6_family = AF_INET6;
      std::memcpy(&made.sin6_addr, data, NS_IN6ADDRSZ);
      found.push_back(address::from_system(&made, sizeof made));
    }
    return skip(bytes);
  }

  const std::span<const unsigned char> message_;
  std::size_t at_ = 0;
};

std::error_code error_of_query(int code) {
  switch (code) {
    case HOST_NOT_FOUND:
      return resolve_errc::host_not_found;
    case NO_DATA:
      return resolve_errc::no_address;
    case NO_RECOVERY:
      return resolve_errc::permanent_failure;
    default:
      return resolve_errc::temporary_failure;
  }
}

}  // namespace

std::error_code ask_name_server(const std::string& name, address::family kind,
                                const address& server, std::chrono::seconds patience,
                                std::vector<address>& found) {
  name_server_state state(server, patience);
  if (!state.is_ready()) return std::make_error_code(std::errc::not_enough_memory);
  std::vector<unsigned char> message(NS_MAXMSG);
  const int type = kind == address::family::ipv6 ? ns_t_aaaa : ns_t_a;
  const int bytes = state.ask(name.c_str(), type, message);
  if (bytes < 0) return error_of_query(state.error());
  const std::size_t before = found.size();
  message.resize(std::min(message.size(), static_cast<std::size_t>(bytes)));
  answer_reader(message).collect(kind, found);
  return found.size() == before ? resolve_errc::no_address : std::error_code();
}

}  // namespace weft::detail
