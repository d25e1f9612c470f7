// How often does each word stand in 16 MB of text? A goroutine for each of 64 parts counts, the
// results are added up as they come.
#include "bench.hpp"

namespace {

const bench::entry words("word_count", [](bench::recorder& r) {
  constexpr std::size_t parts = 64;
  static const std::string text = bench::make_text(static_cast<std::size_t>(r.count(16'000'000)));
  const weft::chan<std::vector<std::uint32_t>> counted;
  const bench::stopwatch watch;
  std::size_t begin = 0;
  for (std::size_t i = 1; i <= parts; ++i) {
    std::size_t end = text.size() * i / parts;
    while (end > begin && text[end - 1] != ' ') --end;
    weft::go(
        [=, from = text.data()] { counted.send(bench::count_words(from + begin, from + end)); });
    begin = end;
  }
  std::vector<std::uint64_t> total(bench::word_slots);
  for (std::size_t i = 0; i < parts; ++i) {
    const auto counts = *counted.recv();
    for (std::size_t k = 0; k < bench::word_slots; ++k) total[k] += counts[k];
  }
  r.record(watch.ms(), "ms");
  std::int64_t number = 0;
  std::int64_t weighted = 0;
  for (std::size_t k = 0; k < bench::word_slots; ++k) {
    number += static_cast<std::int64_t>(total[k]);
    weighted += static_cast<std::int64_t>(k * total[k]);
  }
  r.check(number, std::count(text.begin(), text.end(), ' '), "words");
  r.note(weighted);
});

}  // namespace
