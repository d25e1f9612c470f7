#include "site.hpp"

#include <stdexcept>
#include <string>

#include <weft/runtime.hpp>

namespace web {

namespace {

reply hello(const request&) { return text_reply(http::status::ok, "Hello, world!\n"); }

reply home(const request&) {
  return text_reply(http::status::ok,
                    "<!doctype html><title>weft</title><h1>It works</h1>"
                    "<p><a href=/hello>hello</a> <a href=/goroutines>goroutines</a> "
                    "<a href=/files/>files</a>",
                    "text/html; charset=utf-8");
}

reply goroutines(const request&) {
  return text_reply(http::status::ok, std::to_string(weft::num_goroutines()) + '\n');
}

reply echo(const request& r) {
  return text_reply(http::status::ok, r.body(), "application/octet-stream");
}

reply fail(const request&) { throw std::runtime_error("asked to fail"); }

}  // namespace

example_site::example_site(const options& options)
    : log_(options.log), site_{routes_, options.limits, log_} {
  routes_.add(http::verb::get, "/", home);
  routes_.add(http::verb::get, "/hello", hello);
  routes_.add(http::verb::get, "/goroutines", goroutines);
  routes_.add(http::verb::post, "/echo", echo);
  routes_.add(http::verb::get, "/fail", fail);
  if (!options.root.empty()) {
    root_.emplace(options.root);
    routes_.add_files("/files/", *root_);
  }
}

}  // namespace web
