// Go's panic report.
#include "fiber/panic.hpp"

#include <cxxabi.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>

#include "port/fault.hpp"
#include "port/switch/roomy_call.hpp"
#include "port/thread.hpp"
#include "port/trace/frames.hpp"

namespace weft::detail {
namespace {

std::string current_exception_words() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  if (!type) return "an exception of an unknown type";
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> readable(
      abi::__cxa_demangle(type->name(), nullptr, nullptr, &status), std::free);
  const std::string name = status == 0 ? readable.get() : type->name();
  try {
    throw;
  } catch (const std::exception& e) {
    return std::string(e.what()) + " [" + name + "]";
  } catch (...) {
    return "an exception of type " + name;
  }
}

void write_who(text_sink& to, const goroutine* who) noexcept {
  char text[1024];
  if (who) {
    describe(*who, text, sizeof text);
  } else {
    char name[thread_name_room] = "";
    read_thread_name(name);
    std::snprintf(text, sizeof text, "thread %d '%s', no goroutine", this_thread_number(), name);
  }
  to.write(text);
  to.write("\n");
}

void print_here(void* raw) {
  const auto& words = *static_cast<const last_words*>(raw);
  fd_sink to(2);
  to.write(words.headline);
  to.write("\n\n");
  write_who(to, words.who);
  if (words.trace) write_frames(to, *words.trace);
  if (words.advice) {
    to.write("\n");
    to.write(words.advice);
    to.write("\n");
  }
}

struct termination {
  const goroutine* who;
  const long_trace* trace;
  const char* advice;
};

/// What the exception says may be user code, and long: it wants room too.
void print_termination(void* raw) {
  const auto& t = *static_cast<const termination*>(raw);
  const bool thrown = abi::__cxa_current_exception_type() != nullptr;
  std::string headline = "panic: std::terminate was called";
  try {
    if (thrown) headline = "panic: " + current_exception_words();
  } catch (...) {  // no memory, or what() throws
    headline = "panic: an exception that cannot be described";
  }
  last_words words{headline.c_str(), t.who, t.trace, thrown && t.who ? t.advice : nullptr};
  print_here(&words);
}

}  // namespace

void print_last_words(const last_words& words, on_stack where) noexcept {
  last_words copy = words;
  if (where == on_stack::here)
    print_here(&copy);
  else
    call_with_room(print_here, &copy);
}

void die_of_uncaught_exception(const goroutine& g, const char* advice) noexcept {
  if (begin_last_words()) {
    std::fflush(stdout);
    termination t{&g, nullptr, advice};
    call_with_room(print_termination, &t);
  }
  std::terminate();
}

void report_termination(const goroutine* who, const long_trace& trace) noexcept {
  std::fflush(stdout);
  termination t{who, &trace, uncaught_advice};
  call_with_room(print_termination, &t);
}

void report_stack_overflow(const goroutine& g, const long_trace& trace, on_stack where) noexcept {
  const auto id = static_cast<unsigned long long>(g.id);
  const char* name = g.own.name ? g.own.name : "";
  const char* quote = g.own.name ? "'" : "";
  const std::size_t kib = stack_class_bytes(g.size) >> 10U;
  char headline[512];
  std::snprintf(
      headline, sizeof headline,
      "fatal error: stack overflow: goroutine %llu%s%s%.200s%s overflowed its %zu KiB stack", id,
      g.own.name ? " " : "", quote, name, quote, kib);
  char advice[512];
  std::snprintf(advice, sizeof advice,
                "If it is no endless recursion: weft::go(weft::named(\"%.200s\").stack(%zu << 10), "
                "...) gives it twice as much.",
                name, 2 * kib);
  print_last_words({headline, &g, &trace, advice}, where);
}

}  // namespace weft::detail
