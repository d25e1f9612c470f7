// Cutting demangled names.
#include "port/trace/readable_name.hpp"

#include <algorithm>
#include <array>

namespace weft::detail {
namespace {

constexpr std::size_t nowhere = std::string_view::npos;
constexpr std::string_view operator_word = "operator";

/// Reads a name's brackets; those of an operator's own name are not brackets.
class bracket_scanner {
 public:
  explicit bracket_scanner(std::string_view name) noexcept : name_(name) {}

  /// What the next character is, and moves past it.
  enum class kind { plain, opens, closes };
  kind next() noexcept {
    if (plain_left_ > 0) {
      --plain_left_;
      ++at_;
      return kind::plain;
    }
    if (name_.substr(at_).starts_with(operator_word) && !in_word_) {
      plain_left_ = operator_word.size() - 1 + symbols_after(at_ + operator_word.size());
      ++at_;
      return kind::plain;
    }
    const char c = name_[at_++];
    in_word_ =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (c == '<' || c == '(' || c == '{' || c == '[') return kind::opens;
    if (c == '>' || c == ')' || c == '}' || c == ']') return kind::closes;
    return kind::plain;
  }
  std::size_t position() const noexcept { return at_; }
  bool at_end() const noexcept { return at_ >= name_.size(); }

 private:
  std::size_t symbols_after(std::size_t at) const noexcept {
    const std::string_view rest = name_.substr(std::min(at, name_.size()));
    if (rest.starts_with("()") || rest.starts_with("[]")) return 2;
    const std::size_t end = rest.find_first_not_of("<>=!-");
    const std::size_t count = end == nowhere ? rest.size() : end;
    // In `operator< <int>` and `operator=<int>` the last < opens the template's arguments.
    return count > 1 && rest[count - 1] == '<' && rest.substr(0, count) != "<<" ? count - 1 : count;
  }

  std::string_view name_;
  std::size_t at_ = 0;
  std::size_t plain_left_ = 0;
  bool in_word_ = false;
};

/// Where the parameters' bracket opens, and where the name after the return type begins.
struct name_parts {
  std::size_t start = 0;
  std::size_t parameters = nowhere;
};

/// "operator bool", "operator new", "operator< <int>": the space belongs to the name.
bool ends_with_operator(std::string_view text) noexcept {
  if (text.ends_with("operator new") || text.ends_with("operator delete")) return true;
  const std::size_t last = text.find_last_not_of("<>=!-+*/%^&|~,");
  return last != nowhere && text.substr(0, last + 1).ends_with(operator_word);
}

/// What may follow the parameters.
bool begins_qualifiers(std::string_view rest) noexcept {
  return rest.starts_with(" const") || rest.starts_with(" volatile") || rest.starts_with(" &");
}

name_parts split(std::string_view name) noexcept {
  name_parts parts;
  int depth = 0;
  for (bracket_scanner in(name); !in.at_end();) {
    const std::size_t at = in.position();
    const auto kind = in.next();
    if (kind == bracket_scanner::kind::closes) {
      --depth;
    } else if (kind == bracket_scanner::kind::opens) {
      // "(anonymous namespace)::f(int)": the last bracket at this level, unless more name follows.
      if (depth++ == 0 && name[at] == '(') parts.parameters = at;
    } else if (depth == 0 && name[at] == ' ') {
      if (ends_with_operator(name.substr(0, at))) continue;
      if (parts.parameters != nowhere && begins_qualifiers(name.substr(at))) continue;
      parts = {at + 1, nowhere};  // what came before it is the return type
    } else if (depth == 0 && name[at] == ':') {
      parts.parameters = nowhere;  // a local name of that function, or the anonymous namespace
    }
  }
  if (parts.parameters == nowhere) parts.start = 0;
  return parts;
}

void append_cut(std::string_view name, int depth_max, name_room& room) noexcept {
  int depth = 0;
  std::size_t from = 0;
  for (bracket_scanner in(name); !in.at_end();) {
    const std::size_t at = in.position();
    const auto kind = in.next();
    const bool angle = name[at] == '<' || name[at] == '>';
    if (kind == bracket_scanner::kind::opens && angle && depth++ == depth_max) {
      room.append(name.substr(from, at + 1 - from));
      room.append("...");
    } else if (kind == bracket_scanner::kind::closes && angle && --depth == depth_max) {
      from = at;
    }
  }
  if (depth <= depth_max) room.append(name.substr(from));
}

std::string_view without_clone(std::string_view name) noexcept {
  return name.substr(0, name.find(" [clone"));
}

bool fits(std::string_view name, int depth_max, bool parameters, name_room& room) noexcept {
  const name_parts parts = split(name);
  room.reset();
  const std::size_t end =
      parameters || parts.parameters == nowhere ? name.size() : parts.parameters;
  append_cut(name.substr(parts.start, end - parts.start), depth_max, room);
  if (!parameters && parts.parameters != nowhere) room.append("(...)");
  return !room.overflowed();
}

/// Writes `std::string` for its full name. Returns what is in `to`, cut to its size.
std::string_view with_short_strings(std::string_view name, std::array<char, 4096>& to) noexcept {
  constexpr std::array<std::string_view, 2> full{
      "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >",
      "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char>>"};
  std::size_t used = 0;
  const auto put = [&](std::string_view part) {
    const std::size_t count = std::min(part.size(), to.size() - used);
    std::copy_n(part.data(), count, to.data() + used);
    used += count;
  };
  while (!name.empty()) {
    const std::size_t at = std::min(name.find(full[0]), name.find(full[1]));
    put(name.substr(0, at));
    if (at == nowhere) break;
    put("std::string");
    name.remove_prefix(at + full[name.substr(at).starts_with(full[0]) ? 0 : 1].size());
  }
  return {to.data(), used};
}

}  // namespace

void name_room::append(std::string_view more) noexcept {
  const std::size_t count = std::min(more.size(), sizeof text_ - used_);
  std::copy_n(more.data(), count, text_ + used_);
  used_ += count;
  overflowed_ = overflowed_ || count < more.size();
}

std::string_view readable_name(std::string_view demangled, name_room& room) noexcept {
  std::array<char, 4096> copy;
  const std::string_view name = with_short_strings(without_clone(demangled), copy);
  constexpr int uncut = 1000;
  for (const int depth : {uncut, 2, 1, 0})
    if (fits(name, depth, true, room)) return room.text();
  for (const int depth : {1, 0})
    if (fits(name, depth, false, room)) return room.text();
  return room.text();
}

namespace {

template <std::size_t N>
bool starts_with_any(std::string_view name, const std::array<std::string_view, N>& of) noexcept {
  return std::any_of(of.begin(), of.end(),
                     [name](std::string_view prefix) { return name.starts_with(prefix); });
}

}  // namespace

bool is_internal_name(std::string_view readable) noexcept {
  constexpr std::array<std::string_view, 9> prefixes{
      "weft::detail::",         "std::invoke<",     "std::__invoke",           "std::apply<",
      "std::__apply_",          "std::__terminate", "__cxxabiv1::__terminate", "std::terminate()",
      "std::_Function_handler<"};
  // What is below every thread.
  constexpr std::array<std::string_view, 4> below{"start_thread", "clone3", "__clone3", "__clone"};
  return starts_with_any(readable, prefixes) ||
         std::find(below.begin(), below.end(), readable) != below.end();
}

bool is_call_helper(std::string_view unqualified) noexcept {
  constexpr std::array<std::string_view, 4> prefixes{"__invoke", "__apply_impl<", "invoke<",
                                                     "apply<"};
  return starts_with_any(unqualified, prefixes);
}

}  // namespace weft::detail
