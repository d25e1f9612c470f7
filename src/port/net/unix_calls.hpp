// Unix sockets: pairs, paths, descriptors on their way. Like the system calls these return -1 and
// set errno; none waits, none raises SIGPIPE.
//
// Tested by: tests/conformance/net/unix_test.cpp
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <weft/io/buffers.hpp>
#include <weft/net/address.hpp>

#include "port/net/socket_calls.hpp"

namespace weft::detail {

/// The kernel's bound on one message (SCM_MAX_FD).
inline constexpr std::size_t passed_descriptors_max = 253;

int socket_pair_call(socket_kind kind, int (&ends)[2]) noexcept;

/// Binds it to an abstract name that nobody else has.
int bind_to_any_name_call(int fd) noexcept;

/// EINVAL: more than passed_descriptors_max.
long send_descriptors_call(int fd, std::span<const raw_buffer> from,
                           std::span<const int> descriptors) noexcept;

struct passed_descriptors {
  int numbers[passed_descriptors_max];
  std::size_t count = 0;
  bool lost = false;  // some did not fit into the process's table
};
/// Adds what came, closed on exec. Returns: the length of the message, as receive_message_call().
long receive_descriptors_call(int fd, std::span<const raw_buffer> into,
                              passed_descriptors& descriptors) noexcept;

/// Who was at the other end when the connection was made.
struct peer_identity {
  int process_id;
  std::uint32_t user_id;
  std::uint32_t group_id;
};
int peer_identity_call(int fd, peer_identity& found) noexcept;

/// Which file a path stands for; all 0: none.
struct file_identity {
  std::uint64_t device = 0;
  std::uint64_t number = 0;
};
file_identity identity_of_path(const char* path) noexcept;
/// Removes the path if it still is that file. Keeps errno.
void remove_path_if(const char* path, const file_identity& it) noexcept;

}  // namespace weft::detail
