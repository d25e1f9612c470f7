#include "files/list_line.hpp"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <utility>

#include "files/names.hpp"

namespace digest {

namespace {

bool is_hex(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

void skip_blanks(std::string_view& text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
}

/// The sum that `text` begins with, removed from it; empty: there is none of the right length.
std::string take_hex(std::string_view& text, const algorithm& function) {
  const std::string_view hex = text.substr(0, function.hex_digits());
  if (hex.size() != function.hex_digits() || !std::ranges::all_of(hex, is_hex)) return {};
  text.remove_prefix(hex.size());
  return std::string(hex);
}

/// What follows "SHA256": " (NAME) = HEX".
std::optional<claim> parse_tagged(std::string_view rest, const algorithm& function) {
  if (rest.starts_with(' ')) rest.remove_prefix(1);
  const std::size_t end = rest.rfind(')');
  if (!rest.starts_with('(') || end == std::string_view::npos) return std::nullopt;
  std::string name(rest.substr(1, end - 1));
  rest.remove_prefix(end + 1);
  skip_blanks(rest);
  if (!rest.starts_with('=')) return std::nullopt;
  rest.remove_prefix(1);
  skip_blanks(rest);
  std::string hex = take_hex(rest, function);
  if (hex.empty() || !rest.empty()) return std::nullopt;
  return claim{std::move(hex), std::move(name)};
}

/// "HEX  NAME" or "HEX *NAME".
std::optional<claim> parse_plain(std::string_view line, const algorithm& function) {
  std::string hex = take_hex(line, function);
  if (hex.empty() || line.size() < 3 || !is_blank(line[0])) return std::nullopt;
  if (line[1] != ' ' && line[1] != '*') return std::nullopt;
  return claim{std::move(hex), std::string(line.substr(2))};
}

}  // namespace

std::optional<claim> parse_line(std::string_view line, const algorithm& function) {
  skip_blanks(line);
  const bool escaped = line.starts_with('\\');
  if (escaped) line.remove_prefix(1);

  const bool tagged = line.starts_with(function.tag());
  auto found = tagged ? parse_tagged(line.substr(function.tag().size()), function)
                      : parse_plain(line, function);
  if (!found || found->name.find('\0') != std::string::npos) return std::nullopt;
  if (escaped) {
    auto plain = unescaped(found->name);
    if (!plain) return std::nullopt;
    found->name = *std::move(plain);
  }
  return found;
}

bool same_hex(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace digest
