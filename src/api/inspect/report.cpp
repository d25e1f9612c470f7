// Go's layout: a head line, the frames, who started it.
#include "api/inspect/report.hpp"

#include <algorithm>
#include <cstdio>

#include "api/inspect/frames.hpp"
#include "api/inspect/waited_object.hpp"
#include "port/clock.hpp"
#include "sched/worker.hpp"

namespace weft::detail {
namespace {

std::string state_words(const goroutine_view& v) {
  switch (v.state) {
    case goroutine_state::runnable:
      return "runnable";
    case goroutine_state::running:
      return "running";
    case goroutine_state::waiting:
      return words(v.reason);
    case goroutine_state::unused:
      break;
  }
  return "";
}

std::string with_time(std::string what, deadline_ns ns) {
  const std::string time = words_for_time(ns);
  return time.empty() ? what : what + ", " + time;
}

std::string object_line(wait_reason reason, const void* object, objects how,
                        const everybody* all) {
  const std::string words = words_for_object(reason, object, how, all);
  return words.empty() ? "" : "waits on: " + words + "\n";
}

std::string creation_lines(const goroutine_view& v) {
  const std::string by = v.parent == 0 ? "" : " in goroutine " + std::to_string(v.parent);
  if (v.site.where.line() == 0) return "created" + by + " at\n" + frame_of_address(v.site.address);
  return std::string("created by ") + v.site.where.function_name() + by + "\n\t" +
         v.site.where.file_name() + ":" + std::to_string(v.site.where.line()) + "\n";
}

std::string stack_line(const goroutine_view& v) {
  if (!v.started || !v.memory) return {};
  const std::size_t used = stack_high_water(v.memory, v.size);
  return "stack: " + std::to_string(used >> 10U) + " of " +
         std::to_string(stack_class_bytes(v.size) >> 10U) + " KiB touched\n";
}

bool is_caller(const goroutine_view& v) noexcept {
  const worker* w = this_worker();
  return w && w->current == v.block;
}

}  // namespace

std::string words_for_time(deadline_ns ns) {
  constexpr double second = 1e9;
  if (ns <= 0) return {};
  char text[48];
  const double seconds = static_cast<double>(ns) / second;
  if (seconds < 1)
    std::snprintf(text, sizeof text, "%.0f ms", seconds * 1e3);
  else if (seconds < 60)
    std::snprintf(text, sizeof text, "%.1f s", seconds);
  else if (seconds < 120)
    return "1 minute";
  else
    std::snprintf(text, sizeof text, "%.0f minutes", seconds / 60 - 0.5);
  return text;
}

std::string report_of(const goroutine_view& v, objects how, const everybody* all) {
  std::string text = "goroutine " + std::to_string(v.id);
  if (!v.name.empty()) text += " '" + v.name + "'";
  text += " [" + with_time(state_words(v), v.waited_ns) + (v.tied ? ", locked to thread" : "");
  text += "]:\n";
  if (v.state == goroutine_state::waiting) text += object_line(v.reason, v.waits_on, how, all);
  text += stack_line(v);
  if (v.stands_still())
    text += frames_of(v);
  else if (is_caller(v))
    text += frames_here();
  else if (v.started)
    text += "\tgoroutine running on other thread; stack unavailable\n";
  return text + creation_lines(v);
}

std::string report_of(const parked_thread_view& v, objects how, const everybody* all) {
  const deadline_ns waited = since_coarse_ns(v.since, now_ns());
  return "thread " + std::to_string(v.thread) + " [" + with_time(words(v.reason), waited) +
         "]:\n" + object_line(v.reason, v.waits_on, how, all) + frames_of(v);
}

std::string report_of_all(const std::vector<goroutine_view>& goroutines,
                          const std::vector<parked_thread_view>& threads, objects how) {
  std::vector<const goroutine_view*> order;
  for (const goroutine_view& v : goroutines) order.push_back(&v);
  std::stable_partition(order.begin(), order.end(),
                        [](const goroutine_view* v) { return is_caller(*v); });
  const everybody all{goroutines, threads};
  std::string text;
  for (const goroutine_view* v : order) text += report_of(*v, how, &all) + "\n";
  for (const parked_thread_view& v : threads) text += report_of(v, how, &all) + "\n";
  return text;
}

}  // namespace weft::detail
