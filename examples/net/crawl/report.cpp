#include "report.hpp"

#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace crawl {

namespace {

class reporter {
 public:
  explicit reporter(const site& s) : site_(s) {}

  report make() {
    for (std::size_t i = 0; i < site_.pages().size(); ++i) {
      const page& p = site_.pages()[i];
      count(p);
      if (p.first && p.redirections == 0) check({i, {}, 0}, p);
      for (const page::link& l : p.links) check(l, p);
    }
    for (auto& [what, b] : broken_) report_.links_broken.push_back(std::move(b));
    return std::move(report_);
  }

 private:
  struct verdict {
    std::string problem{};
    unsigned status = 0;
  };

  void count(const page& p) {
    const bool answered = p.now == page::state::answered;
    ++(answered ? report_.addresses : report_.unknown);
    if (p.followed) ++report_.pages;
    if (p.found.cut) report_.pages_cut.push_back(p.text);
    report_.links += p.links.size();
  }

  void check(const page::link& l, const page& on) {
    const verdict v = judge(l);
    if (v.problem.empty()) return;
    std::string address = site_.pages()[l.to].text;
    if (v.status == 0 && v.problem == no_such_part) address += '#' + l.fragment;
    report::broken& b = broken_[{address, v.problem}];
    if (b.places.empty()) b = {address, v.problem, v.status, {}};
    b.places.push_back({l.line == 0 ? "" : on.text, l.line});
  }

  /// Follows redirections to what is there at last.
  verdict judge(const page::link& l) const {
    const page* at = &site_.pages()[l.to];
    for (std::size_t steps = 0; at->redirected; ++steps) {
      const page& next = site_.pages()[*at->redirected];
      if (steps >= site_.bounds().redirections)
        return {is_loop(l.to) ? "redirections go round in a circle" : "too many redirections",
                at->found.status};
      at = &next;
    }
    const finding& f = at->found;
    if (at->now != page::state::answered) return {};  // nobody knows
    const bool here = at == &site_.pages()[l.to];
    if (!f.problem.empty())
      return {here ? f.problem : f.problem + " (redirected to " + at->text + ')', f.status};
    return {has_part(f, l.fragment) ? "" : std::string(no_such_part), 0};
  }

  bool is_loop(std::size_t number) const {
    std::set<std::size_t> seen;
    for (auto at = std::optional(number); at; at = site_.pages()[*at].redirected)
      if (!seen.insert(*at).second) return true;
    return false;
  }

  /// "#top" is on every page; "#!..." and "#/..." are a script's, "#:~:..." a browser's.
  static bool has_part(const finding& f, const std::string& part) {
    if (!f.html || f.cut || part.empty() || f.ids.contains(part)) return true;
    return part == "top" || part[0] == '!' || part[0] == '/' || part.starts_with(":~:");
  }

  static constexpr std::string_view no_such_part = "the page has no such part";

  const site& site_;
  report report_;
  std::map<std::pair<std::string, std::string>, report::broken> broken_;
};

/// As a JSON string. Addresses are ASCII, for all else is escaped in them; what else might not be,
/// a server's words, is shown as unknown characters.
std::string quoted(std::string_view text) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string safe = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x7f) {
      safe += "\\ufffd";
    } else if (byte < 0x20) {
      safe.append("\\u00") += digits[byte / 16];
      safe += digits[byte % 16];
    } else {
      if (c == '"' || c == '\\') safe += '\\';
      safe += c;
    }
  }
  return safe + '"';
}

/// On a terminal: a server's words cannot move the cursor.
std::string printable(std::string_view text) {
  std::string safe;
  for (const char c : text) safe += c >= ' ' && c < '\x7f' ? c : '?';
  return safe;
}

template <class Range, class F>
void print_list(std::ostream& to, std::string_view name, const Range& range, F print) {
  to << "  " << quoted(name) << ": [";
  std::string_view separator = "\n";
  for (const auto& each : range) {
    to << std::exchange(separator, ",\n") << "    ";
    print(each);
  }
  to << (separator == "\n" ? "]" : "\n  ]");
}

void print_places(const std::vector<report::place>& places, std::ostream& to) {
  to << ", \"places\": [";
  std::string_view separator;
  for (const auto& [page, line] : places) {
    to << std::exchange(separator, ", ");
    if (line == 0)
      to << "{\"start\": true}";
    else
      to << "{\"page\": " << quoted(page) << ", \"line\": " << line << '}';
  }
  to << ']';
}

}  // namespace

report make_report(const site& s) { return reporter(s).make(); }

void print_text(const report& r, std::ostream& to) {
  for (const auto& [address, problem, status, places] : r.links_broken) {
    to << printable(address) << ": " << printable(problem) << '\n';
    for (const auto& [page, line] : places) {
      if (line == 0)
        to << "    given to begin with\n";
      else
        to << "    in " << page << ", line " << line << '\n';
    }
  }
  for (const std::string& page : r.pages_cut)
    to << page << ": too large, only its beginning was read\n";
  to << r.links << " links on " << r.pages << " pages to " << r.addresses << " addresses, "
     << r.links_broken.size() << " broken\n";
  if (r.unknown > 0) to << r.unknown << " addresses were not checked\n";
  if (r.ended != "complete") to << r.ended << '\n';
}

void print_json(const report& r, std::ostream& to) {
  to << "{\n  \"ended\": " << quoted(r.ended) << ",\n  \"addresses\": " << r.addresses
     << ",\n  \"pages\": " << r.pages << ",\n  \"links\": " << r.links
     << ",\n  \"not_checked\": " << r.unknown << ",\n";
  print_list(to, "broken", r.links_broken, [&](const report::broken& b) {
    to << "{\"address\": " << quoted(b.address) << ", \"problem\": " << quoted(b.problem);
    if (b.status != 0) to << ", \"status\": " << b.status;
    print_places(b.places, to);
    to << '}';
  });
  to << ",\n";
  print_list(to, "too_large", r.pages_cut, [&](const std::string& p) { to << quoted(p); });
  to << "\n}\n";
}

}  // namespace crawl
