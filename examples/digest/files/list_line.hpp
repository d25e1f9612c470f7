// What does a line of a checksum list say?
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "files/hash.hpp"

namespace digest {

struct claim {
  std::string hex;  // as written: upper or lower case
  std::string name;
};

/// Understands "HEX  NAME" and "HEX *NAME" (either with escapes, after a leading backslash), and
/// "SHA256 (NAME) = HEX". nullopt: the line is malformed.
std::optional<claim> parse_line(std::string_view line, const algorithm& function);

/// Whether two checksums are the same, whatever the case of their letters.
bool same_hex(std::string_view a, std::string_view b);

}  // namespace digest
