// What a parked waiter waits on, in words.
#include "api/inspect/waited_object.hpp"

#include <weft/detail/select_core.hpp>
#include <weft/detail/wait_group_core.hpp>

#include <cstdio>

#include "sync/channel.hpp"

namespace weft::detail {
namespace {

std::string words_for_address(const char* what, const void* object) {
  char text[80];
  std::snprintf(text, sizeof text, "%s %p", what, object);
  return text;
}

std::string words_for_channel(const void* object, objects how) {
  if (!object) return "a nil channel";
  std::string words = words_for_address("channel", object);
  if (how == objects::by_address) return words;
  // Safety: whoever waits on it keeps it alive, and cannot be woken.
  const auto& c = *static_cast<const channel_core*>(object);
  return words + " with capacity " + std::to_string(c.visible_capacity()) + ", " +
         std::to_string(c.visible_size()) + " inside";
}

std::string words_for_case(const select_case& c) {
  switch (c.way) {
    case direction::receive:
      return "receive from " + words_for_channel(c.channel, objects::in_words);
    case direction::send:
      return "send to " + words_for_channel(c.channel, objects::in_words);
    case direction::cancel:
      break;
  }
  return c.canceller ? words_for_address("cancellation", c.canceller) : "a cancellation never to come";
}

std::string words_for_select(const void* object, objects how) {
  constexpr std::size_t cases_max = 8;
  if (!object || how == objects::by_address) return {};
  // Safety: the request is on the waiter's stack, or kept alive by it.
  const auto& request = *static_cast<const select_request*>(object);
  std::string words;
  for (std::size_t i = 0; i < request.cases.size() && i < cases_max; ++i)
    words += (i == 0 ? "" : "; ") + words_for_case(request.cases[i]);
  if (request.cases.size() > cases_max)
    words += "; and " + std::to_string(request.cases.size() - cases_max) + " more";
  return words;
}

std::string words_for_wait_group(const void* object, objects how) {
  std::string words = words_for_address("wait group", object);
  if (how == objects::by_address) return words;
  // Safety: whoever waits for it keeps it alive, and cannot be woken.
  const int count = wait_group_count(static_cast<const wait_group_core*>(object));
  return words + ", " + std::to_string(count) + (count == 1 ? " is" : " are") + " not done";
}

}  // namespace

std::string words_for_object(wait_reason reason, const void* object, objects how) {
  switch (reason) {
    case wait_reason::chan_receive:
    case wait_reason::chan_send:
      return words_for_channel(object, how);
    case wait_reason::select:
      return words_for_select(object, how);
    case wait_reason::wait_group:
      return words_for_wait_group(object, how);
    case wait_reason::none:
    case wait_reason::chan_receive_nil:
    case wait_reason::chan_send_nil:
    case wait_reason::select_no_cases:
    case wait_reason::sleep:
      return {};
    default:
      return object ? words_for_address("object", object) : "";
  }
}

}  // namespace weft::detail
