#include "html.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <utility>

namespace crawl {

namespace {

constexpr std::string_view blanks = " \t\r\n\f";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lowered(std::string_view text) {
  std::string small(text);
  std::transform(small.begin(), small.end(), small.begin(), lower);
  return small;
}

void append_utf8(std::uint32_t c, std::string& to) {
  const auto add = [&](std::uint32_t byte) { to += static_cast<char>(byte); };
  if (c == 0 || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) c = 0xFFFD;
  if (c < 0x80) return add(c);
  if (c < 0x800) {
    add(0xC0 | c >> 6);
  } else {
    if (c < 0x10000) {
      add(0xE0 | c >> 12);
    } else {
      add(0xF0 | c >> 18);
      add(0x80 | (c >> 12 & 0x3F));
    }
    add(0x80 | (c >> 6 & 0x3F));
  }
  add(0x80 | (c & 0x3F));
}

/// `name` stands between '&' and ';'. False: it is none that addresses need.
bool append_entity(std::string_view name, std::string& to) {
  static constexpr std::pair<std::string_view, char> named[] = {
      {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
  for (const auto& [known, c] : named)
    if (name == known) return to += c, true;
  if (!name.starts_with('#')) return false;
  name.remove_prefix(1);
  const bool hex = name.starts_with('x') || name.starts_with('X');
  if (hex) name.remove_prefix(1);
  std::uint32_t number = 0;
  const char* const end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(name.data(), end, number, hex ? 16 : 10);
  if (error != std::errc() || rest != end) return false;
  append_utf8(number, to);
  return true;
}

std::string without_entities(std::string_view text) {
  constexpr std::size_t longest = 10;  // "&#x10FFFF;"
  std::string plain;
  while (!text.empty()) {
    const std::size_t end = text[0] == '&' ? text.substr(0, longest).find(';') : 0;
    if (end != 0 && end != std::string_view::npos &&
        append_entity(text.substr(1, end - 1), plain)) {
      text.remove_prefix(end + 1);
    } else {
      plain += text[0];
      text.remove_prefix(1);
    }
  }
  return plain;
}

class scanner {
 public:
  explicit scanner(std::string_view text) : text_(text) {}

  html_page scan() {
    while (skip_to('<')) {
      if (text_.substr(at_).starts_with("<!--"))
        skip_comment();
      else if (is_letter(1))
        tag();
      else
        ++at_;  // an end tag, a doctype, or just a '<'
    }
    return std::move(page_);
  }

 private:
  using attributes = std::map<std::string, std::string, std::less<>>;

  bool more() const { return at_ < text_.size(); }
  bool is_letter(std::size_t ahead) const {
    const char c = at_ + ahead < text_.size() ? lower(text_[at_ + ahead]) : ' ';
    return c >= 'a' && c <= 'z';
  }
  bool skip_to(char c) {
    at_ = std::min(text_.find(c, at_), text_.size());
    return more();
  }
  void skip(std::string_view these) {
    at_ = std::min(text_.find_first_not_of(these, at_), text_.size());
  }
  std::string_view take_until(std::string_view these) {
    const std::size_t begin =
        std::exchange(at_, std::min(text_.find_first_of(these, at_), text_.size()));
    return text_.substr(begin, at_ - begin);
  }

  void skip_comment() {
    // "<!-->" is a whole comment.
    const std::size_t end = text_.find("-->", at_ + 2);
    at_ = end == std::string_view::npos ? text_.size() : end + 3;
  }

  void tag() {
    const std::size_t begin = at_++;
    const std::string name = lowered(take_until(" \t\r\n\f/>"));
    attributes found;
    while (attribute(found)) {
    }
    // Cut off before its '>': what it says may be cut off, too.
    if (at_ > text_.size()) return;
    judge(name, found, line_of(begin));
    if (name == "script" || name == "style" || name == "textarea" || name == "title")
      skip_content(name);
  }

  /// False: the end of the tag. Past the end of the text: there is none.
  bool attribute(attributes& found) {
    skip(" \t\r\n\f/");
    if (!more() || text_[at_] == '>') return ++at_, false;
    const std::size_t first = at_++;  // may be a '=', as in browsers
    take_until(" \t\r\n\f/>=");
    std::string name = lowered(text_.substr(first, at_ - first));
    skip(blanks);
    std::string value;
    if (more() && text_[at_] == '=') {
      ++at_;
      skip(blanks);
      value = without_entities(take_value());
    }
    found.try_emplace(std::move(name), std::move(value));  // the first one counts
    return true;
  }

  std::string_view take_value() {
    if (!more() || (text_[at_] != '"' && text_[at_] != '\'')) return take_until(" \t\r\n\f>");
    const char quote = text_[at_++];
    const std::string_view value = take_until({&quote, 1});
    if (more()) ++at_;
    return value;
  }

  /// To "</name"; without one to the end.
  void skip_content(std::string_view name) {
    while (skip_to('<')) {
      if (lowered(text_.substr(at_ + 1, name.size() + 1)) == '/' + std::string(name)) return;
      ++at_;
    }
  }

  void judge(std::string_view tag_name, const attributes& found, int line) {
    const auto value = [&](std::string_view name) -> const std::string* {
      const auto i = found.find(name);
      return i == found.end() ? nullptr : &i->second;
    };
    if (const auto* id = value("id")) page_.ids.insert(*id);
    if (const auto* name = value("name"); name && tag_name == "a") page_.ids.insert(*name);
    if (tag_name == "base") {
      if (const auto* to = value("href"); to && page_.base.empty()) page_.base = *to;
      return;
    }
    if (const auto* rel = value("rel"); rel && tag_name == "link" && is_hint(lowered(*rel))) return;
    for (const std::string_view where : {"href", "src", "poster"})
      if (const auto* to = value(where)) page_.links.push_back({*to, line});
    if (const auto* to = value("data"); to && tag_name == "object")
      page_.links.push_back({*to, line});
  }

  /// Names a server, not a page.
  static bool is_hint(std::string_view rel) {
    return rel.find("preconnect") != std::string_view::npos ||
           rel.find("dns-prefetch") != std::string_view::npos;
  }

  int line_of(std::size_t at) {
    line_ += static_cast<int>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(counted_),
                                         text_.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
    counted_ = at;
    return line_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t counted_ = 0;  // line_ is that of this place
  int line_ = 1;
  html_page page_;
};

}  // namespace

html_page scan_html(std::string_view text) { return scanner(text).scan(); }

}  // namespace crawl
