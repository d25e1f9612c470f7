// A select whose cases are known at run time: the same core with a vector.
#include <weft/select.hpp>

#include <algorithm>

namespace weft {

std::size_t selector::run(detail::choice order) {
  using detail::case_kind;
  constexpr std::size_t nobody = static_cast<std::size_t>(-1);
  std::vector<detail::select_case> offers;
  std::vector<std::size_t> index_of;
  offers.reserve(cases_.size());
  index_of.reserve(cases_.size());
  detail::select_request request;
  std::size_t timeout_index = nobody;
  std::size_t default_index = nobody;
  std::size_t chosen = nobody;
  const auto decline_losers = [&] {
    for (std::size_t i = 0; i < cases_.size(); ++i)
      if (i != chosen) cases_[i]->decline();
  };
  try {
    for (std::size_t i = 0; i < cases_.size(); ++i) {
      any_case& c = *cases_[i];
      if (c.kind() == case_kind::channel) {
        offers.push_back(c.offer());
        index_of.push_back(i);
      } else if (c.kind() == case_kind::fallback) {
        default_index = i;
      } else if (const auto at = detail::deadline_after_ns(c.delay_ns());
                 timeout_index == nobody || at < request.deadline) {
        request.deadline = at;
        timeout_index = i;
      }
    }
    request.cases = offers;
    request.has_default = default_index != nobody;
    request.order = order;
    const std::size_t winner = detail::select_wait(request);
    if (winner == detail::select_default)
      chosen = default_index;
    else if (winner == detail::select_timeout)
      chosen = timeout_index;
    else
      chosen = index_of[winner];
    const bool received = winner < offers.size() && offers[winner].received;
    cases_[chosen]->accept(received);
    decline_losers();
    cases_[chosen]->proceed();
  } catch (...) {
    if (chosen == nobody) decline_losers();
    throw;
  }
  return chosen;
}

}  // namespace weft
