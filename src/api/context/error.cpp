// The error category of contexts, and their two usual causes.
#include "api/context/error.hpp"

#include <cstddef>
#include <new>
#include <string>

namespace weft {
namespace {

class context_error_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "weft.context"; }
  std::string message(int code) const override {
    switch (static_cast<context_errc>(code)) {
      case context_errc::canceled:
        return "context canceled";
      case context_errc::deadline_exceeded:
        return "context deadline exceeded";
    }
    return "unknown";
  }
  std::error_condition default_error_condition(int code) const noexcept override {
    switch (static_cast<context_errc>(code)) {
      case context_errc::canceled:
        return std::errc::operation_canceled;
      case context_errc::deadline_exceeded:
        return std::errc::timed_out;
    }
    return {code, *this};
  }
};

constinit context_error_category the_context_category;

/// Made once and never destroyed: cancelling needs no memory for it.
template <class Exception>
const std::exception_ptr& lasting() {
  alignas(std::exception_ptr) static std::byte room[sizeof(std::exception_ptr)];
  static const std::exception_ptr* const instance =
      ::new (room) std::exception_ptr(std::make_exception_ptr(Exception()));
  return *instance;
}

}  // namespace

const std::error_category& context_category() noexcept { return the_context_category; }

const std::exception_ptr& detail::usual_cause(context_errc why) {
  if (why == context_errc::deadline_exceeded) return lasting<context_deadline_exceeded>();
  return lasting<context_canceled>();
}

}  // namespace weft
