// A request's identity goes with its context through functions that do not know of it.
#include <iostream>
#include <string>

#include <weft/weft.hpp>

inline const weft::context_key<std::string> user;
inline const weft::context_key<int> request_number;

void log(const weft::context& ctx, const std::string& text) {
  const std::string* who = ctx.value(user);
  const int* number = ctx.value(request_number);
  std::cout << '#' << (number ? *number : 0) << ' ' << (who ? *who : "nobody") << ": " << text
            << '\n';
}

void charge(const weft::context& ctx) { log(ctx, "charged"); }

void serve(const weft::context& ctx) {
  log(ctx, "begins");
  charge(weft::with_value(ctx, user, "billing for " + *ctx.value(user)));
  log(ctx, "ends");
}

int main() {
  const weft::context server = weft::background();
  log(server, "starts");
  int number = 0;
  for (const char* name : {"ada", "bob"})
    serve(weft::with_value(weft::with_value(server, request_number, ++number), user, name));
}

// Prints:
// #0 nobody: starts
// #1 ada: begins
// #1 billing for ada: charged
// #1 ada: ends
// #2 bob: begins
// #2 billing for bob: charged
// #2 bob: ends
