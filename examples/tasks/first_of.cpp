// Ask several servers the same, take the first answer, tell the others to stop.
#include <weft/weft.hpp>

#include <cstdio>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;

std::string ask(const weft::context& ctx, const char* server, std::chrono::milliseconds delay) {
  if (!weft::sleep_for(ctx, delay)) return std::string(server) + " was not needed";
  return std::string(server) + " has answered";
}

}  // namespace

int main() {
  const auto [ctx, cancel] = weft::with_cancel(weft::background());
  std::vector<weft::task<std::string>> answers;
  answers.push_back(weft::spawn(ask, ctx, "far", 1h));
  answers.push_back(weft::spawn(ask, ctx, "near", 1ms));
  answers.push_back(weft::spawn(ask, ctx, "down", 24h));

  const std::size_t first = weft::when_any(answers);
  cancel();
  std::printf("first: %zu\n", first);
  for (const std::string& each : weft::when_all(answers)) std::printf("%s\n", each.c_str());
}

// Prints:
// first: 1
// far was not needed
// near has answered
// down was not needed
