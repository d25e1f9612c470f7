// One line for each request, in the Common Log Format.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace web {

class access_log {
 public:
  explicit access_log(bool on) noexcept : on_(on) {}

  /// One write(2) to standard output: lines are never mixed. `request_line` comes from anybody:
  /// what is not printable is escaped.
  void line(std::string_view client, std::string_view request_line, unsigned status,
            std::uint64_t bytes) const;
  bool on() const noexcept { return on_; }

 private:
  bool on_;
};

}  // namespace web
