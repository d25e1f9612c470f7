// The error category of descriptors.
#include <string>

#include <weft/io/error.hpp>

namespace weft {
namespace {

class io_error_category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "weft.io"; }
  std::string message(int code) const override {
    switch (static_cast<io_errc>(code)) {
      case io_errc::timeout:
        return "i/o timeout";
      case io_errc::closed:
        return "use of closed network connection";
      case io_errc::end_of_file:
        return "EOF";
    }
    return "unknown";
  }
  std::error_condition default_error_condition(int code) const noexcept override {
    if (static_cast<io_errc>(code) == io_errc::timeout) return std::errc::timed_out;
    return {code, *this};
  }
};

constinit io_error_category the_io_category;

}  // namespace

const std::error_category& io_category() noexcept { return the_io_category; }

}  // namespace weft
