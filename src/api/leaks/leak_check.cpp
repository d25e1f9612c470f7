// What is alive at the end that was not at the beginning.
#include <weft/debug/leak_check.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <utility>

#include <weft/debug/stuck.hpp>

#include "api/inspect/report.hpp"
#include "port/clock.hpp"
#include "port/thread.hpp"
#include "sched/scheduler.hpp"

namespace weft {
namespace detail {
namespace {

using census = std::vector<goroutine_view>;

census started_since(const std::vector<std::uint64_t>& before, const leak_options& options) {
  census views = take_census();
  const waiter* self = &this_waiter();
  std::erase_if(views, [&](const goroutine_view& v) {
    const auto& ignored = options.ignored_names;
    return v.block == self || std::binary_search(before.begin(), before.end(), v.id) ||
           std::find(ignored.begin(), ignored.end(), v.name) != ignored.end();
  });
  return views;
}

/// Lets them run: first a few turns, then naps that grow.
census wait_for_the_end(const std::vector<std::uint64_t>& before, const leak_options& options) {
  constexpr int turns = 50;
  constexpr deadline_ns longest_nap_ns = 10'000'000;
  const deadline_ns give_up = now_ns() + std::max<deadline_ns>(options.grace.count(), 0);
  deadline_ns nap_ns = 50'000;
  for (int i = 0;; ++i) {
    census left = started_since(before, options);
    const deadline_ns now = now_ns();
    if (left.empty() || now >= give_up) return left;
    if (i < turns) {
      yield_turn();
      continue;
    }
    wait_claim claim;
    park_until(wait_reason::sleep, {}, std::min(now + nap_ns, give_up), claim);
    nap_ns = std::min(2 * nap_ns, longest_nap_ns);
  }
}

std::string headline(std::size_t count, const std::source_location& where) {
  std::string text = std::to_string(count) + (count == 1 ? " goroutine" : " goroutines");
  text += " started since weft::leak_check at ";
  text += where.file_name();
  return text + ":" + std::to_string(where.line()) + (count == 1 ? " is" : " are") +
         " still alive:\n\n";
}

std::string list(const census& leaked, const std::source_location& where) {
  const stuck_goroutines stuck = find_stuck_goroutines();
  std::string text = headline(leaked.size(), where);
  for (const goroutine_view& v : leaked) {
    const auto known = std::find_if(stuck.found.begin(), stuck.found.end(),
                                    [&](const stuck_goroutine& g) { return g.id == v.id; });
    text += report_of(v, objects::by_address);
    if (known != stuck.found.end()) text += "It can never be woken: it " + known->why + ".\n";
    text += "\n";
  }
  return text;
}

}  // namespace
}  // namespace detail

leak_check::leak_check(leak_options options, std::source_location where)
    : options_(std::move(options)), where_(where), exceptions_(std::uncaught_exceptions()) {
  for (const detail::goroutine_view& v : detail::take_census()) before_.push_back(v.id);
  std::sort(before_.begin(), before_.end());
}

std::string leak_check::leaks() {
  reported_ = true;
  const detail::census leaked = detail::wait_for_the_end(before_, options_);
  return leaked.empty() ? std::string() : detail::list(leaked, where_);
}

void leak_check::check() {
  if (const std::string found = leaks(); !found.empty()) throw goroutine_leak(found);
}

leak_check::~leak_check() {
  if (reported_) return;
  const std::string found = leaks();
  if (found.empty()) return;
  const bool unwinding = std::uncaught_exceptions() > exceptions_;
  if (options_.on_leak && !unwinding) {
    options_.on_leak(found);
    return;
  }
  std::fflush(stdout);
  std::fprintf(stderr, "goroutine leak: %s", found.c_str());
  if (!unwinding) std::abort();
}

}  // namespace weft
