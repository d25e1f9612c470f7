#include "text.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <boost/nowide/utf/utf.hpp>

#include "../http/file.hpp"

namespace chat {

namespace {

namespace utf = boost::nowide::utf;

constexpr std::size_t name_length_max = 32;

bool disturbs(utf::code_point c) {
  const auto within = [c](utf::code_point first, utf::code_point last) {
    return first <= c && c <= last;
  };
  return c < ' ' || within(0x7f, 0x9f) || within(0x200e, 0x200f) || within(0x2028, 0x202e) ||
         within(0x2066, 0x2069);
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string quoted(std::string_view text) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string json = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      (json += '\\') += c;
    } else if (const auto byte = static_cast<unsigned char>(c); byte < ' ') {
      ((json += "\\u00") += digits[byte / 16]) += digits[byte % 16];
    } else {
      json += c;
    }
  }
  return json += '"';
}

template <class Items, class F>
std::string array_of(const Items& items, F to_json) {
  std::string json;
  for (const auto& each : items) json.append(json.empty() ? "[" : ",").append(to_json(each));
  return json.empty() ? "[]" : json += ']';
}

text finished(std::string json) { return std::make_shared<const std::string>(std::move(json)); }

text moved(std::string_view verb, std::string_view name, std::size_t people) {
  return finished("{\"type\":" + quoted(verb) + ",\"name\":" + quoted(name) +
                  ",\"people\":" + std::to_string(people) + "}");
}

}  // namespace

std::optional<std::string> checked_name(std::string_view name) {
  name = trimmed(name);
  std::size_t length = 0;
  for (auto at = name.begin(); at != name.end(); ++length) {
    const utf::code_point c = utf::utf_traits<char>::decode(at, name.end());
    if (c == utf::illegal || c == utf::incomplete || disturbs(c)) return std::nullopt;
  }
  if (length == 0 || length > name_length_max) return std::nullopt;
  return std::string(name);
}

std::optional<std::string> query_value(std::string_view target, std::string_view key) {
  const std::size_t mark = target.find('?');
  std::string_view rest = mark == target.npos ? std::string_view() : target.substr(mark + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    const std::size_t equal = pair.find('=');
    if (equal == pair.npos || pair.substr(0, equal) != key) continue;
    std::string value(pair.substr(equal + 1));
    std::replace(value.begin(), value.end(), '+', ' ');  // as forms send a space
    return web::percent_decoded(value);
  }
  return std::nullopt;
}

text welcome(std::string_view room, std::string_view name,
             const std::vector<std::string_view>& people, const std::deque<text>& history) {
  return finished("{\"type\":\"welcome\",\"room\":" + quoted(room) + ",\"name\":" + quoted(name) +
                  ",\"people\":" + array_of(people, quoted) +
                  ",\"history\":" + array_of(history, [](const text& t) { return *t; }) + "}");
}

text joined(std::string_view name, std::size_t people) { return moved("joined", name, people); }
text left(std::string_view name, std::size_t people) { return moved("left", name, people); }

text said(std::string_view name, std::string_view what) {
  using namespace std::chrono;
  const auto now = duration_cast<milliseconds>(system_clock::now().time_since_epoch());
  return finished("{\"type\":\"said\",\"name\":" + quoted(name) + ",\"text\":" + quoted(what) +
                  ",\"time\":" + std::to_string(now.count()) + "}");
}

}  // namespace chat
