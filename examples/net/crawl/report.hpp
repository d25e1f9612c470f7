// What is broken, and where it stands.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

#include "site.hpp"

namespace crawl {

struct report {
  struct place {
    std::string page;
    int line;  // 0: it was given to begin with
  };
  struct broken {
    std::string address;
    std::string problem;
    unsigned status;  // HTTP's; 0: there was no answer, or there is nothing wrong with it
    std::vector<place> places;
  };
  std::string ended = "complete";  // or why not
  std::size_t addresses = 0;       // that answered, or failed to
  std::size_t pages = 0;           // that were crawled
  std::size_t links = 0;           // that stand on them
  std::size_t unknown = 0;         // addresses that were not asked for, or did not answer yet
  std::vector<broken> links_broken;
  std::vector<std::string> pages_cut;  // too large to be read to the end
};

report make_report(const site& s);

void print_text(const report& r, std::ostream& to);
void print_json(const report& r, std::ostream& to);

}  // namespace crawl
