// What the kinds of sockets are made of: calls on a handle that report by an error code.
#pragma once

#include <system_error>

#include <weft/detail/wait_bound.hpp>
#include <weft/net/address.hpp>
#include <weft/net/socket.hpp>

#include "port/net/socket_calls.hpp"
#include "sync/io/handle.hpp"

namespace weft::detail {

/// Null with `ec`.
io_handle_ptr open_socket(const address& of, socket_kind kind, std::error_code& ec);
/// Takes the descriptor in any case. Null with `ec`.
io_handle_ptr adopt_socket(int fd, std::error_code& ec);

/// A step does nothing if one before it has failed.
void set_socket_option(io_handle* h, socket_option option, int value, std::error_code& ec);
void bind_socket(io_handle* h, const address& to, std::error_code& ec);
void listen_on_socket(io_handle* h, int backlog, std::error_code& ec);
/// Waits until the connection stands.
void connect_socket(io_handle* h, const address& to, const wait_bound& bound, std::error_code& ec);

/// Waits for a connection; when descriptors have run out, until there is one again.
/// Null with `ec`.
io_handle_ptr accept_socket(io_handle& h, std::error_code& ec);

/// For the twins without a code.
inline void throw_if(const std::error_code& ec, const char* what) {
  if (ec) throw std::system_error(ec, what);
}

}  // namespace weft::detail
