// Looking a name up within a bound, for all that begin with a name.
#pragma once

#include <string_view>
#include <system_error>
#include <vector>

#include <weft/detail/wait_bound.hpp>
#include <weft/net/resolve.hpp>

namespace weft::detail {

/// With `ec` if it finds nothing.
std::vector<net::address> look_up(const net::resolver_options& how, std::string_view host,
                                  const net::service& port, net::address::family only,
                                  const wait_bound& bound, std::error_code& ec);

/// Ends after `timeout`, or when `cancel` is cancelled; null: nobody cancels it.
wait_bound bound_by(const cancellation* cancel, std::chrono::nanoseconds timeout) noexcept;

/// Why a bounded wait has ended without what it waited for.
std::error_code why_over(const wait_bound& bound) noexcept;

}  // namespace weft::detail
