// A small harness for benchmarks, shared by weft and its peers in C++.
//
// Why not Google Benchmark: it calls its bodies from a plain thread and decides itself how often.
// These bodies must run as the main goroutine, keep their partners alive from one operation to the
// next, and be the same work as a Go program's.
//
// A body does one round: it times its own loop, checks what the loop computed, and records
// nanoseconds per operation. The harness runs one round to warm up and then `--rounds` of them.
// What was checked is part of the result: scripts/bench compares it over the peers.
#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

struct options {
  int procs = 1;
  int rounds = 7;
  bool warm_up = true;
  bool list = false;
  std::int64_t count = 0;  // operations at most; 0: as many as a benchmark likes
  std::string only;        // in their name; "=x": just x
  std::string json;        // a file; "-": standard output
};

/// What one metric was in each round.
struct series {
  std::string unit;
  std::vector<double> samples;
};

/// The result of the rounds of one benchmark.
class recorder {
 public:
  recorder(std::string_view benchmark, const options& o) : benchmark_(benchmark), options_(&o) {}
  int procs() const { return options_->procs; }
  /// How often to do it: `usual`, or less if --count says so.
  std::int64_t count(std::int64_t usual) const { return std::min(usual, count_or(usual)); }
  /// As --count says, even if that is more.
  std::int64_t count_or(std::int64_t usual) const {
    return options_->count > 0 ? options_->count : usual;
  }
  /// The benchmark's own result.
  void record(double value, std::string_view unit) { enter(benchmark_, value, unit); }
  /// Another result of the same round, under the benchmark's name and a suffix.
  void record(std::string_view suffix, double value, std::string_view unit) {
    enter(benchmark_ + '_' + std::string(suffix), value, unit);
  }
  /// The middle and the tail of what was measured many times: _p50, _p99, _p999.
  void record_percentiles(std::vector<double> values, std::string_view unit);
  /// What the work came to. Ends the program if that is wrong.
  void check(std::int64_t actual, std::int64_t wanted, std::string_view what);
  /// The same where only the peers know what is right.
  void note(std::int64_t actual);
  /// A round ended: it must have come to the same as those before.
  void end_round();
  std::uint64_t checked() const { return checked_; }
  const std::map<std::string, series>& all() const { return all_; }

 private:
  void enter(const std::string& name, double value, std::string_view unit) {
    series& s = all_[name];
    s.unit = unit;
    s.samples.push_back(value);
  }
  std::string benchmark_;
  const options* options_;
  std::map<std::string, series> all_;
  std::uint64_t checking_ = 0;  // the sum of what this round checked
  std::uint64_t checked_ = 0;   // that of a whole round
  bool told_ = false;           // this round checked something
  int rounds_ = 0;
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
  template <std::integral N>
  double ns_each(N operations) const {
    return ns() / static_cast<double>(operations);
  }
  double us() const { return ns() / 1e3; }
  double ms() const { return ns() / 1e6; }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// CPU time of this process, user and system, in milliseconds.
double cpu_ms();

/// Ends the program if a benchmark did not do its work.
void expect_equal(std::int64_t actual, std::int64_t wanted, std::string_view what);

options parse(int argc, char** argv);
/// Calls what it is given where bodies shall run: in a goroutine, a fiber, a thread.
using place = std::function<void(const std::function<void()>&)>;
/// Runs the known benchmarks that `options` ask for; returns the status for main.
int run_all(const options& o, std::string_view program, const place& where);

}  // namespace bench
