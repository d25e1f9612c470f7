// Results in the order of the questions, and bodies that wait: their processor does other work.
#include <weft/weft.hpp>

#include <cstdio>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;

std::string look_up(const std::string& word) {
  weft::sleep_for(word.size() * 1ms);  // a dictionary far away
  return {word.rbegin(), word.rend()};
}

}  // namespace

int main() {
  const std::vector<std::string> words = {"warp", "loom", "shuttle", "thread", "weft"};
  for (const std::string& each : weft::parallel_map(words, look_up))
    std::printf("%s\n", each.c_str());

  std::string left;
  std::string right;
  weft::parallel_invoke([&] { left = look_up("tfel"); }, [&] { right = look_up("thgir"); });
  std::printf("%s and %s\n", left.c_str(), right.c_str());
}

// Prints:
// praw
// mool
// elttuhs
// daerht
// tfew
// left and right
