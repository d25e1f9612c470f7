#include "files/names.hpp"

#include <cstddef>
#include <cwchar>
#include <cwctype>

namespace digest {

namespace {

constexpr std::string_view escaped_characters = "\\\n\r";

void append_escaped(std::string& to, std::string_view name) {
  for (const char c : name) switch (c) {
      case '\\':
        to += "\\\\";
        break;
      case '\n':
        to += "\\n";
        break;
      case '\r':
        to += "\\r";
        break;
      default:
        to += c;
    }
}

/// Bytes of the printable character that `text` begins with; 0: its first byte is none.
std::size_t printable_length(std::string_view text) {
  std::mbstate_t state{};
  wchar_t c = 0;
  const std::size_t length = std::mbrtowc(&c, text.data(), text.size(), &state);
  const bool valid = length >= 1 && length <= text.size();
  return valid && std::iswprint(static_cast<wint_t>(c)) ? length : 0;
}

bool all_printable(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = printable_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool plain_for_shell(std::string_view name) {
  constexpr std::string_view special = " \t!\"$&'()*:;<=>?[\\^`|";
  if (name.empty() || name == "{" || name == "}") return false;
  if (name.front() == '#' || name.front() == '~') return false;
  return name.find_first_of(special) == std::string_view::npos && all_printable(name);
}

std::string octal(char byte) {
  switch (byte) {
    case '\a':
      return "\\a";
    case '\b':
      return "\\b";
    case '\f':
      return "\\f";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    case '\v':
      return "\\v";
    default:
      break;
  }
  const auto value = static_cast<unsigned char>(byte);
  std::string text = "\\";
  for (const int shift : {6, 3, 0}) text += static_cast<char>('0' + ((value >> shift) & 7));
  return text;
}

}  // namespace

std::string sum_line(std::string_view hex, std::string_view name) {
  std::string line;
  line.reserve(hex.size() + name.size() + 4);
  const bool escape = name.find_first_of(escaped_characters) != std::string_view::npos;
  if (escape) line += '\\';
  line.append(hex).append("  ");
  if (escape)
    append_escaped(line, name);
  else
    line += name;
  return line += '\n';
}

std::string verdict_line(std::string_view name, std::string_view verdict) {
  std::string line;
  if (name.find('\n') == std::string_view::npos) {
    line = name;
  } else {
    line = '\\';
    append_escaped(line, name);
  }
  return line.append(": ").append(verdict).append("\n");
}

std::optional<std::string> unescaped(std::string_view name) {
  std::string plain;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] != '\\') {
      plain += name[i];
      continue;
    }
    if (++i == name.size()) return std::nullopt;
    switch (name[i]) {
      case '\\':
        plain += '\\';
        break;
      case 'n':
        plain += '\n';
        break;
      case 'r':
        plain += '\r';
        break;
      default:
        return std::nullopt;
    }
  }
  return plain;
}

std::string quoted(std::string_view name) {
  if (plain_for_shell(name)) return std::string(name);
  if (name.find('\'') != std::string_view::npos && all_printable(name) &&
      name.find_first_of("\"$`\\!") == std::string_view::npos)
    return '"' + std::string(name) + '"';

  std::string text = "'";
  bool in_octal = false;  // inside $'...'
  for (std::size_t i = 0; i < name.size();) {
    const std::size_t length = printable_length(name.substr(i));
    if ((length == 0) != in_octal) {
      in_octal = !in_octal;
      text += in_octal ? "'$'" : "''";
    }
    if (length == 0)
      text += octal(name[i]);
    else if (name[i] == '\'')
      text += "'\\''";
    else
      text += name.substr(i, length);
    i += length == 0 ? 1 : length;
  }
  return text += '\'';
}

}  // namespace digest
