#include "site.hpp"

#include <algorithm>
#include <utility>

namespace crawl {

using state = page::state;

void site::begin_at(const web::url& at) {
  origins_.insert(at.origin());
  const std::size_t number = page_at(at);
  pages_[number].first = true;
  reach({{number, 0, 0}});
}

std::vector<job> site::take_jobs() { return std::exchange(jobs_, {}); }

void site::learn(finding f) {
  const std::size_t number = f.page;
  page& p = pages_[number];
  p.now = state::answered;
  if (is_own(p) && !p.whole) return ask(number);
  if (f.redirection) p.redirected = page_at(*f.redirection);
  p.found = std::move(f);
  if (p.first && p.redirected) {  // "www.", https: the site is where its first page is
    pages_[*p.redirected].first = true;
    add_origin(pages_[*p.redirected].at.origin());
  }
  std::deque<step> steps;
  lead_on(p, steps);
  reach(std::move(steps));
}

/// What is at `at`, known or not.
std::size_t site::page_at(const web::url& at) {
  const auto [i, is_new] = numbers_.try_emplace(at.text(), pages_.size());
  if (is_new) pages_.push_back({.text = at.text(), .at = at});
  return i->second;
}

std::size_t site::nonsense(const std::string& written) {
  const auto [i, is_new] = numbers_.try_emplace(written, pages_.size());
  if (is_new) {
    pages_.push_back({.text = written, .now = state::answered});
    pages_.back().found.problem = "not an address";
  }
  return i->second;
}

/// What was checked as somebody else's is now to be read.
void site::add_origin(const std::string& origin) {
  if (!origins_.insert(origin).second) return;
  for (std::size_t i = 0; i < pages_.size(); ++i)
    if (pages_[i].now == state::answered && is_own(pages_[i])) ask(i);
}

void site::ask(std::size_t number) {
  page& p = pages_[number];
  const bool own = is_own(p);
  if ((!own && !limits_.others) || p.redirections > limits_.redirections) return;
  if (p.now == state::unasked && asked_++ >= limits_.pages) return;
  p.now = state::asked;
  p.whole = own;
  jobs_.push_back({number, p.at, own});
}

/// Goes on for as long as something is found to be nearer than it seemed.
void site::reach(std::deque<step> steps) {
  for (; !steps.empty(); steps.pop_front()) {
    const step s = steps.front();
    page& p = pages_[s.page];
    if (s.depth >= p.depth && s.redirections >= p.redirections) continue;
    p.depth = std::min(p.depth, s.depth);
    p.redirections = std::min(p.redirections, s.redirections);
    if (p.now == state::unasked) ask(s.page);
    if (p.now == state::answered) lead_on(p, steps);
  }
}

/// From a page that is there, to where it leads.
void site::lead_on(page& p, std::deque<step>& steps) {
  if (p.redirected) steps.push_back({*p.redirected, p.depth, p.redirections + 1});
  if (!is_own(p) || !p.found.html || p.depth > limits_.depth) return;
  if (!p.followed) know_links(p);
  for (const page::link& l : p.links) steps.push_back({l.to, p.depth + 1, 0});
}

void site::know_links(page& p) {
  p.followed = true;
  for (finding::link& l : std::exchange(p.found.links, {})) {
    using kind = web::reference::kind;
    if (l.to.what == kind::other) continue;
    const std::size_t to = l.to.what == kind::page ? page_at(l.to.to) : nonsense(l.written);
    p.links.push_back({to, std::move(l.to.fragment), l.line});
  }
}

}  // namespace crawl
