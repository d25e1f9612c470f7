// What a link checker wants to know of a page: where it leads, and what can be linked to in it.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace crawl {

struct html_page {
  struct link {
    std::string written;  // entities decoded
    int line;             // the first is 1
  };
  std::vector<link> links;
  std::unordered_set<std::string> ids;  // id="..." and <a name="...">
  std::string base;                     // <base href="...">, the first
};

/// A scanner, not a parser: it finds tags and their attributes, and knows comments and the elements
/// whose content is no HTML (script, style ...). Any bytes will do; what is malformed is passed
/// over, as browsers do.
html_page scan_html(std::string_view text);

}  // namespace crawl
