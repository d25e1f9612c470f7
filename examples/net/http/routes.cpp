#include "routes.hpp"

#include <exception>
#include <iostream>

#include <boost/beast/http/field.hpp>

namespace web {

namespace {

/// "/a?b=c" and "http://host/a" are "/a"; "": neither.
std::string_view path_of(std::string_view target) {
  if (const std::size_t scheme = target.find("://"); scheme < target.find('/')) {
    const std::size_t path = target.find('/', scheme + 3);
    target = path == target.npos ? "/" : target.substr(path);
  }
  if (!target.starts_with('/')) return {};
  return target.substr(0, target.find_first_of("?#"));
}

http::verb asked_verb(const request& r) {
  return r.method() == http::verb::head ? http::verb::get : r.method();
}

reply not_allowed(std::string_view allowed) {
  reply r = text_reply(http::status::method_not_allowed, "method not allowed\n");
  r.message.set(http::field::allow, allowed);
  return r;
}

template <class Handlers>
std::string verbs_of(const Handlers& handlers) {
  std::string verbs;
  for (const auto& each : handlers) {
    verbs.append(verbs.empty() ? "" : ", ").append(http::to_string(each.first));
    if (each.first == http::verb::get) verbs += ", HEAD";
  }
  return verbs;
}

}  // namespace

reply text_reply(http::status status, std::string body, std::string_view type) {
  reply r;
  r.message.result(status);
  r.message.set(http::field::content_type, type);
  r.message.body() = std::move(body);
  return r;
}

void routes::add(http::verb verb, std::string path, handler h) {
  handlers_[std::move(path)][verb] = std::move(h);
}

void routes::add_files(std::string prefix, const file_root& root) {
  files_.emplace_back(std::move(prefix), &root);
}

reply routes::answer(const request& r) const {
  if (r.version() >= 11 && r.count(http::field::host) != 1)
    return text_reply(http::status::bad_request, "one Host is needed\n");
  const std::string_view path = path_of(r.target());
  if (path.empty()) return text_reply(http::status::bad_request, "bad target\n");
  try {
    return answer_path(r, path);
  } catch (const std::exception& e) {
    std::cerr << path << ": " << e.what() << '\n';
    return text_reply(http::status::internal_server_error, "internal error\n");
  }
}

reply routes::answer_path(const request& r, std::string_view path) const {
  if (const auto found = handlers_.find(path); found != handlers_.end()) {
    const auto& [path_text, verbs] = *found;
    const auto answers = verbs.find(asked_verb(r));
    return answers == verbs.end() ? not_allowed(verbs_of(verbs)) : answers->second(r);
  }
  return answer_file(r, path);
}

reply routes::answer_file(const request& r, std::string_view path) const {
  for (const auto& [prefix, root] : files_) {
    if (!path.starts_with(prefix)) continue;
    if (asked_verb(r) != http::verb::get) return not_allowed("GET, HEAD");
    const auto name = percent_decoded(path.substr(prefix.size()));
    if (!name) return text_reply(http::status::bad_request, "bad target\n");
    if (auto opened = root->open(*name)) {
      reply answer = text_reply(http::status::ok, {}, content_type(*name));
      answer.body_file.emplace(std::move(*opened));
      return answer;
    }
  }
  return text_reply(http::status::not_found, "not found\n");
}

}  // namespace web
