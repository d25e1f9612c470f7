// Names and their addresses, as the C library finds them. Each call blocks its thread: off to the
// side with it.
//
// Tested by: tests/conformance/net/names/resolve_test.cpp
#pragma once

#include <chrono>
#include <string>
#include <system_error>
#include <vector>

#include <weft/net/address.hpp>
#include <weft/net/resolve.hpp>

namespace weft::detail {

using net::address;
using net::resolve_errc;

/// The system's way: its files, its servers. Adds addresses without a port to `found`.
std::error_code look_up_host(const std::string& host, address::family only,
                             std::vector<address>& found);
std::error_code look_up_service(const std::string& name, std::uint16_t& port);

/// Asks one DNS server once for the addresses of one family.
std::error_code ask_name_server(const std::string& name, address::family kind,
                                const address& server, std::chrono::seconds patience,
                                std::vector<address>& found);

}  // namespace weft::detail
