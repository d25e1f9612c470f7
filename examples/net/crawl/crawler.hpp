// Asks for everything that a site leads to, many addresses at once.
#pragma once

#include <functional>

#include <weft/context.hpp>

#include "client/client.hpp"
#include "site.hpp"

namespace crawl {

struct progress {
  std::size_t done, waiting;
};

/// Blocks:  until all is known, or `ctx` is cancelled; then at once. No goroutine is left behind.
/// Returns: whether all is known.
bool crawl_site(const weft::context& ctx, web::client& http, site& s,
                const std::function<void(progress)>& every_second);

}  // namespace crawl
