// Go's panic report: what happened, to which goroutine, where it was started.
#include "fiber/panic.hpp"

#include <cxxabi.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>

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

}  // namespace

void die_of_uncaught_exception(const goroutine& g, const char* advice) noexcept {
  char text[1024];
  describe(g, text, sizeof text);
  std::fflush(stdout);
  std::fprintf(stderr, "panic: %s\n\n%s\n\n%s\n", current_exception_words().c_str(), text,
               advice);
  std::terminate();
}

}  // namespace weft::detail
