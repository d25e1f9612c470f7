// Addresses of the web, as a crawler needs them: two that mean the same page are the same text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace web {

/// An http or https address without fragment, user and password. The host is in lower case, the
/// default port left out, the path never empty, and without "." and "..".
struct url {
  std::string scheme;     // "http" or "https"
  std::string host;       // without the brackets of an IPv6 address
  std::string authority;  // the host as the Host field has it: with brackets and port
  std::uint16_t port = 0;
  std::string target;  // path and query

  bool secure() const { return scheme == "https"; }
  std::string origin() const { return scheme + "://" + authority; }
  std::string text() const { return origin() + target; }
};

/// What a link says.
struct reference {
  enum class kind {
    page,     // `to` is where
    other,    // mailto:, javascript: ...: not for us
    invalid,  // not an address
  };
  kind what = kind::invalid;
  url to{};
  std::string fragment{};  // decoded
};

/// An absolute address. None: it is not one, or neither http nor https.
std::optional<url> parse_url(std::string_view text);

/// A link in a page whose address is `base`: absolute, relative, "//host/path", "#fragment" ...
/// What browsers take is taken: blanks around it, and characters that should have been escaped.
reference resolve(const url& base, std::string_view written);

/// What resolves the relative addresses of the pages below: `<base href>` or the page's own.
inline url base_of(const url& page, const std::string& written) {
  reference r = written.empty() ? reference() : resolve(page, written);
  return r.what == reference::kind::page ? r.to : page;
}

}  // namespace web
