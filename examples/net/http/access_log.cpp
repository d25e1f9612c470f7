#include "access_log.hpp"

#include <unistd.h>

#include <array>
#include <ctime>

namespace web {

namespace {

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 64> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%d/%b/%Y:%H:%M:%S +0000", &parts)};
}

std::string escaped(std::string_view text) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string safe;
  for (const char c : text) {
    if (c >= ' ' && c < '\x7f' && c != '"' && c != '\\') {
      safe += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      safe.append("\\x") += digits[byte / 16];
      safe += digits[byte % 16];
    }
  }
  return safe;
}

}  // namespace

void access_log::line(std::string_view client, std::string_view request_line, unsigned status,
                      std::uint64_t bytes) const {
  if (!on_) return;
  std::string line(client);
  line += " - - [" + now_text() + "] \"" + escaped(request_line) + "\" ";
  line += std::to_string(status) + ' ' + std::to_string(bytes) + '\n';
  // A log that nobody reads, or a full disk, must not stop the server.
  [[maybe_unused]] const ssize_t ignored = ::write(STDOUT_FILENO, line.data(), line.size());
}

}  // namespace web
