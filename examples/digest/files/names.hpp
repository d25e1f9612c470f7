// How names are written: in checksum lists (coreutils' escapes) and in messages (shell quotes).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace digest {

/// A line of a checksum list, with its newline. A name that holds a backslash, a newline or a
/// carriage return is escaped, and the line says so by a backslash in front.
std::string sum_line(std::string_view hex, std::string_view name);

/// A line of a check's report: "NAME: VERDICT". Only a name with a newline is escaped here, so that
/// the report stays one line for each file.
std::string verdict_line(std::string_view name, std::string_view verdict);

/// The name behind the escapes; nullopt: they are malformed.
std::optional<std::string> unescaped(std::string_view name);

/// The name as a message shows it: as it is if a shell would take it so, else quoted for one.
/// Characters that cannot be printed in the program's locale become octal.
std::string quoted(std::string_view name);

}  // namespace digest
