// What a parked waiter waits on, in words.
#include "api/inspect/waited_object.hpp"

#include <weft/detail/select_core.hpp>
#include <weft/detail/sync/mutex_core.hpp>
#include <weft/detail/sync/shared_mutex_core.hpp>
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
  return c.canceller ? words_for_address("cancellation", c.canceller)
                     : "a cancellation that never comes";
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

/// Where it was locked: on whose stack. Whoever unlocks it may be another.
std::string words_for_holder(stack_token token, const everybody& all) {
  const std::size_t index = all.owners.find(token);
  if (index != lock_owners::nobody) {
    const goroutine_view& v = all.goroutines[index];
    const std::string name = v.name.empty() ? "" : " '" + v.name + "'";
    return ", locked by goroutine " + std::to_string(v.id) + name;
  }
  if (all.owners.is_abandoned(token)) return ", locked by a goroutine that has ended";
  for (const parked_thread_view& t : all.threads)
    for (std::uintptr_t page = t.registers.sp & ~std::uintptr_t{4095}; page < t.stack_top;
         page += 4096)
      if (stack_token_of(page) == token) return ", locked by thread " + std::to_string(t.thread);
  return {};
}

std::string words_for_mutex(const void* object, objects how, const everybody* all) {
  std::string words = words_for_address("mutex", object);
  if (how == objects::by_address || !all) return words;
  // Safety: whoever waits for it keeps it alive, and cannot be woken.
  const auto& m = *static_cast<const mutex_core*>(object);
  // Order: none. Nobody changes it.
  const stack_token token = m.held.load(relaxed);
  return token == 0 ? words : words + words_for_holder(token, *all);
}

std::string words_for_shared_mutex(const void* object, objects how, const everybody* all) {
  std::string words = words_for_address("shared_mutex", object);
  if (how == objects::by_address || !all) return words;
  // Safety: as for a mutex.
  const auto& m = *static_cast<const shared_mutex_core*>(object);
  // Order: none. Nobody changes it.
  const std::uint32_t state = m.state.load(relaxed);
  if ((state & shared_mutex_core::writer) != 0)
    return words + words_for_holder(m.writer_stack.read(), *all);
  const std::uint32_t readers = state / shared_mutex_core::reader;
  return words + ", held by " + std::to_string(readers) + (readers == 1 ? " reader" : " readers");
}

}  // namespace

std::string words_for_object(wait_reason reason, const void* object, objects how,
                             const everybody* all) {
  switch (reason) {
    case wait_reason::chan_receive:
    case wait_reason::chan_send:
      return words_for_channel(object, how);
    case wait_reason::select:
      return words_for_select(object, how);
    case wait_reason::wait_group:
      return words_for_wait_group(object, how);
    case wait_reason::mutex_lock:
      return words_for_mutex(object, how, all);
    case wait_reason::shared_mutex_lock:
    case wait_reason::shared_mutex_lock_shared:
      return words_for_shared_mutex(object, how, all);
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
