// What a crawl knows: the pages, which of them lead where, and which are still to be asked for.
#pragma once

#include <cstddef>
#include <deque>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "client/url.hpp"
#include "look.hpp"

namespace crawl {

struct limits {
  std::size_t depth = std::numeric_limits<std::size_t>::max() - 1;  // clicks from the first pages
  std::size_t pages = 10'000;                                       // addresses that are asked for
  std::size_t redirections = 10;                                    // one after another
  std::size_t bytes = 2 * 1024 * 1024;                              // of one page
  bool others = true;  // whether links to other sites are checked, too
};

struct page {
  struct link {
    std::size_t to;  // a number of a page
    std::string fragment;
    int line;
  };
  enum class state { unasked, asked, answered };

  std::string text;  // its address, or what should have been one
  web::url at{};
  bool first = false;  // where the crawl begins
  state now = state::unasked;
  bool whole = false;  // asked for with its content
  std::size_t depth = std::numeric_limits<std::size_t>::max();
  std::size_t redirections = std::numeric_limits<std::size_t>::max();  // in a row, that led here
  finding found{};
  bool followed = false;  // it has been crawled: its links are known
  std::vector<link> links{};
  std::optional<std::size_t> redirected{};
};

/// Threads: one at a time. It belongs to one goroutine; the others send what they find.
///
/// Invariants: each address is one page, and asked for once. What is crawled does not depend on the
/// order of the findings: a page that turns out to be nearer is followed further.
class site {
 public:
  explicit site(const limits& l) : limits_(l) {}

  /// A page to begin with. Its site is crawled; others are only checked.
  void begin_at(const web::url& at);
  /// What to ask for now; each job once.
  std::vector<job> take_jobs();
  void learn(finding f);

  const std::deque<page>& pages() const { return pages_; }
  const limits& bounds() const { return limits_; }

 private:
  struct step {
    std::size_t page, depth, redirections;
  };

  std::size_t page_at(const web::url& at);
  std::size_t nonsense(const std::string& written);
  bool is_own(const page& p) const { return origins_.contains(p.at.origin()); }
  void add_origin(const std::string& origin);
  void ask(std::size_t number);
  void reach(std::deque<step> steps);
  void lead_on(page& p, std::deque<step>& steps);
  void know_links(page& p);

  limits limits_;
  std::deque<page> pages_;                                // they keep their places
  std::unordered_map<std::string, std::size_t> numbers_;  // of pages, by text
  std::set<std::string> origins_;                         // of the sites that are crawled
  std::vector<job> jobs_;
  std::size_t asked_ = 0;
};

}  // namespace crawl
