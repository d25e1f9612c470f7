#include "harness.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace bench {

namespace {

struct known {
  std::string name;
  body run;
};

std::vector<known>& registry() {
  static std::vector<known> all;
  return all;
}

struct summary {
  std::string name;
  std::string unit;
  std::uint64_t check;
  std::vector<double> samples;  // sorted
  double median() const {
    const std::size_t half = samples.size() / 2;
    return samples.size() % 2 == 1 ? samples[half] : (samples[half - 1] + samples[half]) / 2;
  }
};

std::vector<summary> run_one(const known& k, const options& o) {
  if (o.warm_up) {
    recorder unused(k.name, o);
    k.run(unused);
  }
  recorder r(k.name, o);
  for (int round = 0; round < o.rounds; ++round) {
    k.run(r);
    r.end_round();
  }
  std::vector<summary> results;
  for (const auto& [name, s] : r.all()) {
    results.push_back({name, s.unit, r.checked(), s.samples});
    std::sort(results.back().samples.begin(), results.back().samples.end());
  }
  return results;
}

/// Substrings, or "=x" for x alone.
bool is_wanted(const std::string& name, const std::string& only) {
  return only.starts_with('=') ? name == only.substr(1) : name.find(only) != std::string::npos;
}

void print(const summary& s) {
  std::printf("%-24s %14.2f %-6s %14.2f %14.2f\n", s.name.c_str(), s.median(), s.unit.c_str(),
              s.samples.front(), s.samples.back());
  std::fflush(stdout);
}

std::string to_json(const std::vector<summary>& results, std::string_view program, int procs) {
  std::string text = "{\"program\": \"" + std::string(program) +
                     "\", \"procs\": " + std::to_string(procs) + ", \"results\": [";
  const char* comma = "";
  for (const summary& s : results) {
    text += comma + ("\n  {\"name\": \"" + s.name) + "\", \"unit\": \"" + s.unit +
            "\", \"median\": " + std::to_string(s.median()) +
            ", \"min\": " + std::to_string(s.samples.front()) +
            ", \"max\": " + std::to_string(s.samples.back()) +
            ", \"check\": " + std::to_string(s.check) + '}';
    comma = ",";
  }
  return text + "\n]}\n";
}

bool write_json(const std::string& file, const std::string& text) {
  std::FILE* out = file == "-" ? stdout : std::fopen(file.c_str(), "w");
  if (out == nullptr) {
    std::perror(file.c_str());
    return false;
  }
  const bool written = std::fputs(text.c_str(), out) >= 0;
  return (out == stdout ? std::fflush(out) : std::fclose(out)) == 0 && written;
}

[[noreturn]] void usage(const char* program) {
  std::fprintf(stderr,
               "usage: %s [--procs N] [--rounds N] [--only SUBSTRING | =NAME] [--json FILE]\n"
               "          [--list] [--no-warm-up] [--count N]\n",
               program);
  std::exit(2);
}

int to_number(const char* program, const char* text) {
  char* end = nullptr;
  const long n = std::strtol(text, &end, 10);
  if (*text == '\0' || *end != '\0' || n < 1 || n > 100'000'000) usage(program);
  return static_cast<int>(n);
}

}  // namespace

entry::entry(std::string_view name, body run) { registry().push_back({std::string(name), run}); }

double cpu_ms() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto ms = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_usec) / 1e3;
  };
  return ms(used.ru_utime) + ms(used.ru_stime);
}

void expect_equal(std::int64_t actual, std::int64_t wanted, std::string_view what) {
  if (actual == wanted) return;
  std::fprintf(stderr, "wrong result: %.*s is %lld, should be %lld\n",
               static_cast<int>(what.size()), what.data(), static_cast<long long>(actual),
               static_cast<long long>(wanted));
  std::exit(1);
}

options parse(int argc, char** argv) {
  options o;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag == "--list") {
      o.list = true;
    } else if (flag == "--no-warm-up") {
      o.warm_up = false;
    } else if (i + 1 == argc) {
      usage(argv[0]);
    } else if (flag == "--procs") {
      o.procs = to_number(argv[0], argv[++i]);
    } else if (flag == "--rounds") {
      o.rounds = to_number(argv[0], argv[++i]);
    } else if (flag == "--count") {
      o.count = to_number(argv[0], argv[++i]);
    } else if (flag == "--only") {
      o.only = argv[++i];
    } else if (flag == "--json") {
      o.json = argv[++i];
    } else {
      usage(argv[0]);
    }
  }
  return o;
}

void recorder::check(std::int64_t actual, std::int64_t wanted, std::string_view what) {
  expect_equal(actual, wanted, what);
  note(actual);
}

void recorder::note(std::int64_t actual) {
  checking_ += static_cast<std::uint64_t>(actual);
  told_ = true;
}

void recorder::end_round() {
  expect_equal(std::exchange(told_, false), true, benchmark_ + " says what it came to");
  if (rounds_++ > 0 && checking_ != checked_)
    expect_equal(static_cast<std::int64_t>(checking_), static_cast<std::int64_t>(checked_),
                 "the check of a round");
  checked_ = std::exchange(checking_, 0);
}

void recorder::record_percentiles(std::vector<double> values, std::string_view unit) {
  std::sort(values.begin(), values.end());
  const auto at = [&values](double share) {
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
  };
  record("p50", at(0.5), unit);
  record("p99", at(0.99), unit);
  record("p999", at(0.999), unit);
}

int run_all(const options& o, std::string_view program, const place& where) {
  std::sort(registry().begin(), registry().end(),
            [](const known& a, const known& b) { return a.name < b.name; });
  std::vector<summary> results;
  bool any = false;
  for (const known& k : registry()) {
    if (!is_wanted(k.name, o.only)) continue;
    any = true;
    if (o.list) {
      std::puts(k.name.c_str());
      continue;
    }
    where([&] {
      for (summary& s : run_one(k, o)) {
        if (o.json != "-") print(s);
        results.push_back(std::move(s));
      }
    });
  }
  if (!any) {
    std::fprintf(stderr, "no benchmark has '%s' in its name; --list names them all\n",
                 o.only.c_str());
    return 2;
  }
  if (o.list || o.json.empty()) return 0;
  return write_json(o.json, to_json(results, program, o.procs)) ? 0 : 1;
}

}  // namespace bench
