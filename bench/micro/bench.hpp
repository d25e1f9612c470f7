// A small harness for benchmarks that run inside a goroutine.
//
// Why not Google Benchmark: it calls its bodies from a plain thread and decides itself how often.
// These bodies must run as the main goroutine, keep their partners alive from one operation to the
// next, and be the same work as a Go program's.
//
// A body does one round: it times its own loop, checks what the loop computed, and records
// nanoseconds per operation. The harness runs one round to warm up and then `--rounds` of them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <weft/weft.hpp>

namespace bench {

struct options {
  int procs = 1;
  int rounds = 7;
  bool warm_up = true;
  bool list = false;
  std::int64_t count = 0;  // goroutines, where a benchmark leaves that open; 0: as it likes
  std::string only;
  std::string json;  // a file; "-": standard output
};

/// What one metric was in each round.
struct series {
  std::string unit;
  std::vector<double> samples;
};

class recorder {
 public:
  recorder(std::string_view benchmark, std::int64_t count) : benchmark_(benchmark), count_(count) {}
  std::int64_t count_or(std::int64_t usual) const { return count_ > 0 ? count_ : usual; }
  /// The benchmark's own result.
  void record(double value, std::string_view unit) { enter(benchmark_, value, unit); }
  /// Another result of the same round, under the benchmark's name and a suffix.
  void record(std::string_view suffix, double value, std::string_view unit) {
    enter(benchmark_ + '_' + std::string(suffix), value, unit);
  }
  const std::map<std::string, series>& all() const { return all_; }

 private:
  void enter(const std::string& name, double value, std::string_view unit) {
    series& s = all_[name];
    s.unit = unit;
    s.samples.push_back(value);
  }
  std::string benchmark_;
  std::int64_t count_;
  std::map<std::string, series> all_;
};

using body = void (*)(recorder&);

/// Makes a benchmark known: `const bench::entry yield_2("yield_2", [](bench::recorder& r) {...});`
struct entry {
  entry(std::string_view name, body run);
};

/// Time since it was made.
class stopwatch {
 public:
  double ns() const {
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start_)
        .count();
  }
  double ns_each(std::size_t operations) const { return ns() / static_cast<double>(operations); }
  double ms() const { return ns() / 1e6; }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// CPU time of this process, user and system, in milliseconds.
double cpu_ms();

/// Ends the program if a benchmark did not do its work.
void expect_equal(std::int64_t actual, std::int64_t wanted, std::string_view what);

options parse(int argc, char** argv);
/// Where bodies run: peers know no goroutines.
enum class place { goroutine, thread };
/// Runs the known benchmarks that `options` ask for; returns the status for main.
int run_all(const options& o, place where = place::goroutine);

}  // namespace bench
