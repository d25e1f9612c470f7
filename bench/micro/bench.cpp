#include "bench.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

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
  std::vector<double> samples;  // sorted
  double median() const {
    const std::size_t half = samples.size() / 2;
    return samples.size() % 2 == 1 ? samples[half] : (samples[half - 1] + samples[half]) / 2;
  }
};

std::vector<summary> run_one(const known& k, const options& o) {
  recorder r(k.name, o.count);
  if (o.warm_up) {
    recorder unused(k.name, o.count);
    k.run(unused);
  }
  for (int round = 0; round < o.rounds; ++round) k.run(r);
  std::vector<summary> results;
  for (const auto& [name, s] : r.all()) {
    results.push_back({name, s.unit, s.samples});
    std::sort(results.back().samples.begin(), results.back().samples.end());
  }
  return results;
}

void print(const summary& s) {
  std::printf("%-24s %14.2f %-6s %14.2f %14.2f\n", s.name.c_str(), s.median(), s.unit.c_str(),
              s.samples.front(), s.samples.back());
  std::fflush(stdout);
}

std::string to_json(const std::vector<summary>& results, int procs) {
  std::string text =
      "{\"program\": \"weft\", \"procs\": " + std::to_string(procs) + ", \"results\": [";
  const char* comma = "";
  for (const summary& s : results) {
    text += comma + ("\n  {\"name\": \"" + s.name) + "\", \"unit\": \"" + s.unit +
            "\", \"median\": " + std::to_string(s.median()) +
            ", \"min\": " + std::to_string(s.samples.front()) +
            ", \"max\": " + std::to_string(s.samples.back()) + '}';
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
               "usage: %s [--procs N] [--rounds N] [--only SUBSTRING] [--json FILE] [--list]\n"
               "          [--no-warm-up] [--count N]\n",
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

int run_all(const options& o, place where) {
  std::sort(registry().begin(), registry().end(),
            [](const known& a, const known& b) { return a.name < b.name; });
  weft::set_max_procs(o.procs);
  std::vector<summary> results;
  bool any = false;
  for (const known& k : registry()) {
    if (k.name.find(o.only) == std::string::npos) continue;
    any = true;
    if (o.list) {
      std::puts(k.name.c_str());
      continue;
    }
    const auto run_this = [&] { return run_one(k, o); };
    for (summary& s : where == place::goroutine ? weft::run(run_this) : run_this()) {
      if (o.json != "-") print(s);
      results.push_back(std::move(s));
    }
  }
  if (!any) {
    std::fprintf(stderr, "no benchmark has '%s' in its name; --list names them all\n",
                 o.only.c_str());
    return 2;
  }
  if (o.list || o.json.empty()) return 0;
  return write_json(o.json, to_json(results, o.procs)) ? 0 : 1;
}

}  // namespace bench
