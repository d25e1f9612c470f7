// What a server answers: a function for each path, and files.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "file.hpp"

namespace web {

namespace http = boost::beast::http;

using request = http::request<http::string_body>;

struct reply {
  http::response<http::string_body> message;
  /// Sent instead of the message's body.
  std::optional<opened_file> body_file = {};
};

/// A reply with a text; the version, the length and the rest are added when it is sent.
reply text_reply(http::status status, std::string body,
                 std::string_view type = "text/plain; charset=utf-8");

class routes {
 public:
  using handler = std::function<reply(const request&)>;

  /// Answers `verb` on exactly this path. GET answers HEAD, too.
  void add(http::verb verb, std::string path, handler h);
  /// GET below the prefix, "/files/", means files. `root` must outlive this.
  void add_files(std::string prefix, const file_root& root);

  /// Threads: any, when all is added. Throws: nothing: what a handler throws is a 500.
  reply answer(const request& r) const;

 private:
  reply answer_path(const request& r, std::string_view path) const;
  reply answer_file(const request& r, std::string_view path) const;

  std::map<std::string, std::map<http::verb, handler>, std::less<>> handlers_;
  std::vector<std::pair<std::string, const file_root*>> files_;
};

}  // namespace web
