// The computing of bench/micro/programs by one thread, divided by the number of processors.
#include "harness.hpp"
#include "work.hpp"

namespace {

const bench::entry queens("n_queens_12", [](bench::recorder& r) {
  const int size = static_cast<int>(r.count(12));
  const bench::stopwatch watch;
  const std::int64_t ways = bench::count_queens(size, 0, 0, 0, 0);
  r.record(watch.ms() / r.procs(), "ms");
  r.note(ways);
});

const bench::entry picture("mandelbrot", [](bench::recorder& r) {
  const std::int64_t size = r.count(400);
  std::int64_t sum = 0;
  const bench::stopwatch watch;
  for (std::int64_t y = 0; y < size; ++y) sum += bench::mandelbrot_row(y, size);
  r.record(watch.ms() / r.procs(), "ms");
  r.note(sum);
});

const bench::entry words("word_count", [](bench::recorder& r) {
  static const std::string text = bench::make_text(static_cast<std::size_t>(r.count(16'000'000)));
  const bench::stopwatch watch;
  const auto counts = bench::count_words(text.data(), text.data() + text.size());
  r.record(watch.ms() / r.procs(), "ms");
  std::int64_t sum = 0;
  for (std::size_t k = 0; k < counts.size(); ++k)
    sum += static_cast<std::int64_t>((k + 1) * counts[k]);
  r.note(sum);
});

}  // namespace
