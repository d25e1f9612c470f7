#include "look.hpp"

#include <algorithm>
#include <exception>
#include <string_view>
#include <utility>

#include "html.hpp"

namespace crawl {

namespace {

std::string words_of(const web::response& r) {
  return r.reason.empty() ? std::to_string(r.status) : std::to_string(r.status) + ' ' + r.reason;
}

bool is_html(const web::response& r) {
  std::string type(r.field("content-type"));
  std::transform(type.begin(), type.end(), type.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return type.starts_with("text/html") || type.starts_with("application/xhtml+xml");
}

void read_links(const web::url& page, std::string_view text, finding& f) {
  html_page html = scan_html(text);
  const web::url base = web::base_of(page, html.base);
  for (auto& [written, line] : html.links)
    f.links.push_back({web::resolve(base, written), std::move(written), line});
  f.ids = std::move(html.ids);
}

/// Of a page that is there, and is HTML.
web::response read_page(const weft::context& ctx, web::client& http, const job& j,
                        std::size_t bytes_max, finding& f) {
  std::string text;
  web::response answer = http.fetch(ctx, web::client::method::get, j.at,
                                    [&](const web::response& r, std::string_view piece) {
                                      f.html = r.status == 200 && is_html(r);
                                      if (!f.html) return false;
                                      f.cut = text.size() + piece.size() > bytes_max;
                                      text += piece.substr(0, bytes_max - text.size());
                                      return !f.cut;
                                    });
  if (f.html) read_links(j.at, text, f);
  return answer;
}

/// A HEAD costs least, but there are servers that do not know it: those are asked again.
web::response probe(const weft::context& ctx, web::client& http, const web::url& at) {
  const auto nothing = [](const web::response&, std::string_view) { return false; };
  web::response answer = http.fetch(ctx, web::client::method::head, at, nothing);
  if (answer.status < 400 || answer.status == 404 || answer.status == 410) return answer;
  return http.fetch(ctx, web::client::method::get, at, nothing);
}

void judge(const web::url& at, const web::response& answer, finding& f) {
  f.status = answer.status;
  if (const auto location = answer.redirection()) {
    const web::reference to = web::resolve(at, *location);
    if (to.what == web::reference::kind::page)
      f.redirection = to.to;
    else
      f.problem = words_of(answer) + ", to what is no address of the web";
  } else if (answer.status < 200 || answer.status >= 300) {
    f.problem = words_of(answer);
  }
}

}  // namespace

finding look_at(const weft::context& ctx, web::client& http, const job& j, std::size_t bytes_max) {
  finding f{.page = j.page};
  try {
    judge(j.at, j.whole ? read_page(ctx, http, j, bytes_max, f) : probe(ctx, http, j.at), f);
  } catch (const std::exception& e) {
    f = {.page = j.page, .problem = e.what()};
  }
  return f;
}

}  // namespace crawl
