// A task is a goroutine that has something to give back: a result, or the exception instead.
#include <weft/weft.hpp>

#include <cstdio>
#include <stdexcept>
#include <string>

namespace {

int price_of(const std::string& item) {
  if (item == "unicorn") throw std::out_of_range("nobody sells a " + item);
  return static_cast<int>(item.size()) * 10;
}

}  // namespace

int main() {
  auto tea = weft::spawn(price_of, "tea");
  auto coffee = weft::spawn(price_of, "coffee");
  auto greeting = weft::spawn([] { return std::string("the bill:"); });
  auto unicorn = weft::spawn(price_of, "unicorn");

  const auto [words, first, second] = weft::when_all(greeting, tea, coffee);
  std::printf("%s %d\n", words.c_str(), first + second);

  try {
    unicorn.get();
  } catch (const std::out_of_range& e) {
    std::printf("%s\n", e.what());
  }
}

// Prints:
// the bill: 90
// nobody sells a unicorn
