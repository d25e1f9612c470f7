// The error category of names.
#include <string>

#include <weft/net/resolve.hpp>

namespace weft::net {
namespace {

class resolve_error_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "weft.resolve"; }
  std::string message(int code) const override {
    switch (static_cast<resolve_errc>(code)) {
      case resolve_errc::host_not_found:
        return "no such host";
      case resolve_errc::no_address:
        return "host has no address of that kind";
      case resolve_errc::service_not_found:
        return "unknown service";
      case resolve_errc::temporary_failure:
        return "temporary failure in name resolution";
      case resolve_errc::permanent_failure:
        return "name server failure";
    }
    return "unknown";
  }
  std::error_condition default_error_condition(int code) const noexcept override {
    if (static_cast<resolve_errc>(code) == resolve_errc::temporary_failure)
      return std::errc::resource_unavailable_try_again;
    return {code, *this};
  }
};

constinit resolve_error_category the_resolve_category;

}  // namespace

const std::error_category& resolve_category() noexcept { return the_resolve_category; }

}  // namespace weft::net
