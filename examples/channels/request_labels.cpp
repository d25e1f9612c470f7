// Labels say what a goroutine is working on; those that it starts inherit them. So a log line knows
// its request, however many goroutines take part.
#include <iostream>
#include <string>

#include <weft/weft.hpp>

namespace self = weft::this_goroutine;

void log(const std::string& text) {
  const auto request = self::label("request");
  std::cout << "[" + std::string(request.value_or("-")) + "] " + text + "\n";
}

void handle(const std::string& request) {
  const self::with_label work("request", request);
  weft::wait_group parts;
  parts.go([] { log("read the database"); });
  parts.go([] { log("asked the cache"); });
  parts.wait();
  log("answered");
}

int main() {
  weft::wait_group requests;
  for (const char* name : {"GET /a", "GET /b"}) requests.go([=] { handle(name); });
  requests.wait();
  log("done");
}
// Prints, in any order:
// [GET /a] read the database
// [GET /a] asked the cache
// [GET /a] answered
// [GET /b] read the database
// [GET /b] asked the cache
// [GET /b] answered
// [-] done
