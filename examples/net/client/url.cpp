// Boost.URL takes addresses apart. Resolving is done here (RFC 3986, 5.2): resolve() of Boost 1.81
// decodes what is escaped, so that "a%2Fb" would become another address.
#include "url.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

// Without its library: all of it is in this file, where Boost still can.
#if __has_include(<boost/url/src.hpp>)
#include <boost/url/src.hpp>
#endif

namespace web {

namespace {

constexpr std::string_view blanks = " \t\r\n\f";

std::string string_of(const auto& part) { return {part.data(), part.size()}; }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Whether there is "%41" at `i`.
bool is_escape(std::string_view text, std::size_t i) {
  return i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0;
}

std::string decoded(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && is_escape(text, i)) {
      plain += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

void escape(char c, std::string& to) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  to += '%';
  to += digits[byte / 16];
  to += digits[byte % 16];
}

/// 0: it names no host.
std::size_t end_of_host(std::string_view written) {
  const std::size_t slashes = written.find("//");
  if (slashes == std::string_view::npos || written.find_first_of("/?#") != slashes) return 0;
  return std::min(written.find_first_of("/?#", slashes + 2), written.size());
}

/// As browsers do: without blanks around it and line breaks in it; what may not stand in an address
/// is escaped.
std::string tidied(std::string_view written) {
  const std::size_t first = written.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  written = written.substr(first, written.find_last_not_of(blanks) + 1 - first);
  const std::size_t host_end = end_of_host(written);
  std::string text;
  for (std::size_t i = 0; i < written.size(); ++i) {
    const char c = written[i];
    if (c == '\t' || c == '\r' || c == '\n') continue;
    const bool bracket = (c == '[' || c == ']') && i >= host_end;  // an IPv6 address has them, too
    const bool fits =
        c > ' ' && c < '\x7f' && std::string_view("\"<>\\^`{|}").find(c) == std::string_view::npos;
    if (!fits || bracket || (c == '%' && !is_escape(written, i)))
      escape(c, text);
    else
      text += c;
  }
  return text;
}

bool is_dot(std::string_view segment) { return segment == "." || decoded(segment) == "."; }
bool is_dot_dot(std::string_view segment) { return decoded(segment) == ".."; }

/// Without "." and ".."; there is nothing above the root.
std::string without_dots(std::string_view path) {
  std::vector<std::string_view> kept;
  bool folder = false;  // the last segment names one: it ends with '/'
  for (std::size_t at = 1; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view segment = path.substr(at, end - at);
    folder = is_dot(segment) || is_dot_dot(segment);
    if (is_dot_dot(segment) && !kept.empty()) kept.pop_back();
    if (!folder) kept.push_back(segment);
    at = end + 1;
  }
  std::string clean;
  for (const std::string_view segment : kept) clean.append("/").append(segment);
  return folder || clean.empty() ? clean + '/' : clean;
}

std::string target_of(std::string_view path, const boost::urls::url_view& parts) {
  std::string target = without_dots(path.empty() ? "/" : path);
  if (parts.has_query()) target += '?' + string_of(parts.encoded_query());
  return target;
}

bool set_port(url& u, const std::string& text) {
  const unsigned usual = u.secure() ? 443 : 80;
  unsigned port = usual;
  const char* const end = text.data() + text.size();
  if (!text.empty()) {
    const auto [rest, error] = std::from_chars(text.data(), end, port);
    if (error != std::errc() || rest != end || port == 0 || port > 0xFFFF) return false;
  }
  u.port = static_cast<std::uint16_t>(port);
  u.authority = string_of(u.host);
  if (u.host.find(':') != std::string::npos) u.authority = '[' + u.host + ']';
  if (port != usual) u.authority += ':' + std::to_string(port);
  return true;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// A reference that names a host.
std::optional<url> absolute(const std::string& scheme, const boost::urls::url_view& parts) {
  url u;
  u.scheme = scheme;
  u.host = string_of(parts.encoded_host());
  if (u.host.starts_with('[')) u.host = u.host.substr(1, u.host.size() - 2);
  std::transform(u.host.begin(), u.host.end(), u.host.begin(), lower);
  const std::string path = string_of(parts.encoded_path());
  if (u.host.empty() || !set_port(u, string_of(parts.port()))) return {};
  if (!path.empty() && path[0] != '/') return {};  // "http://host:1x", which Boost 1.81 takes
  u.target = target_of(path, parts);
  return u;
}

/// A reference to the same host.
url relative(const url& base, const boost::urls::url_view& parts) {
  url u = base;
  const std::string path = string_of(parts.encoded_path());
  const std::string own = base.target.substr(0, base.target.find('?'));
  if (path.empty()) {
    if (parts.has_query()) u.target = target_of(own, parts);
  } else {
    const std::string folder = own.substr(0, own.rfind('/') + 1);
    u.target = target_of(path.starts_with('/') ? path : folder + path, parts);
  }
  return u;
}

}  // namespace

reference resolve(const url& base, std::string_view written) {
  using kind = reference::kind;
  const std::string text = tidied(written);
  const auto parsed = boost::urls::parse_uri_reference(text);
  if (!parsed) return {kind::invalid};
  const boost::urls::url_view& parts = *parsed;
  std::string scheme = string_of(parts.scheme());
  std::transform(scheme.begin(), scheme.end(), scheme.begin(), lower);
  if (scheme.empty()) scheme = base.scheme;
  if (scheme != "http" && scheme != "https") return {kind::other};
  const std::string fragment = decoded(string_of(parts.encoded_fragment()));
  if (!parts.has_authority()) {
    if (parts.has_scheme()) return {kind::invalid};  // "http:page"
    return {kind::page, relative(base, parts), fragment};
  }
  const auto to = absolute(scheme, parts);
  return to ? reference{kind::page, *to, fragment} : reference{kind::invalid};
}

std::optional<url> parse_url(std::string_view text) {
  const reference r = resolve({}, text);
  if (r.what != reference::kind::page || r.to.host.empty()) return {};
  return r.to;
}

}  // namespace web
