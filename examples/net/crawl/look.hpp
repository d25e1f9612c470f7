// One address, asked for once: whether it is there, and where it leads.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include <weft/context.hpp>

#include "client/client.hpp"
#include "client/url.hpp"

namespace crawl {

struct job {
  std::size_t page;  // the number that the finding will have
  web::url at;
  bool whole;  // read it and look for links; else ask only whether it is there
};

struct finding {
  struct link {
    web::reference to;
    std::string written;  // as the page has it, for what is no address
    int line;
  };
  std::size_t page = 0;
  unsigned status = 0;
  std::string problem{};  // "": it is there
  std::optional<web::url> redirection{};
  bool html = false;  // what follows is known
  bool cut = false;   // it was too large; what follows is from its beginning
  std::vector<link> links{};
  std::unordered_set<std::string> ids{};
};

/// Throws: nothing but std::bad_alloc: what goes wrong is a finding.
finding look_at(const weft::context& ctx, web::client& http, const job& j, std::size_t bytes_max);

}  // namespace crawl
