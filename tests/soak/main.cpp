// The soak: rounds of random scenarios, until the time is over or something is wrong.
//
// usage: soak [--minutes M | --rounds N] [--seed S] [--procs P] [--round K] [--from K]
//             [--patience SECONDS] [--only NAME]
// Status 0: nothing was wrong. 1: an expectation failed. A hang aborts.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <weft/weft.hpp>

#include "memory_watch.hpp"
#include "round.hpp"
#include "watchdog.hpp"

namespace {

using steady = std::chrono::steady_clock;

[[noreturn]] void reject(const char* argument) {
  std::fprintf(stderr, "soak: what is '%s'? See the head of tests/soak/main.cpp.\n", argument);
  std::exit(2);
}

soak::options read_options(int count, char** words) {
  soak::options asked;
  for (int i = 1; i < count; i += 2) {
    const std::string name = words[i];
    if (i + 1 == count) reject(words[i]);
    const char* value = words[i + 1];
    if (name == "--minutes") {
      asked.minutes = std::strtod(value, nullptr);
    } else if (name == "--seed") {
      asked.seed = std::strtoull(value, nullptr, 0);
    } else if (name == "--procs") {
      asked.procs = std::atoi(value);
    } else if (name == "--from") {
      asked.first_round = std::strtoull(value, nullptr, 0);
    } else if (name == "--round") {
      asked.first_round = std::strtoull(value, nullptr, 0);
      asked.rounds = 1;
    } else if (name == "--rounds") {
      asked.rounds = std::strtoull(value, nullptr, 0);
    } else if (name == "--patience") {
      asked.patience_seconds = std::atoi(value);
    } else if (name == "--only") {
      asked.only = value;
    } else {
      reject(words[i]);
    }
  }
  return asked;
}

class progress {
 public:
  void tell(std::uint64_t round, bool even_if_early) {
    const auto now = steady::now();
    if (!even_if_early && now < next_) return;
    next_ = now + std::chrono::minutes(1);
    const soak::memory_use memory = soak::memory_now();
    std::printf("soak: %6.1f s, round %llu, %zu KiB resident, %zu KiB allocated, %llu failures\n",
                std::chrono::duration<double>(now - begin_).count(),
                static_cast<unsigned long long>(round), memory.resident / 1024,
                memory.allocated / 1024, static_cast<unsigned long long>(soak::failures()));
    std::fflush(stdout);
  }

 private:
  steady::time_point begin_ = steady::now();
  steady::time_point next_ = begin_ + std::chrono::minutes(1);
};

}  // namespace

int main(int count, char** words) {
  const soak::options asked = read_options(count, words);
  std::printf("soak: seed %llu, max_procs %d, %zu scenarios%s\n",
              static_cast<unsigned long long>(asked.seed),
              asked.procs > 0 ? asked.procs : weft::max_procs(), soak::all_scenarios().size(),
              std::getenv("WEFT_FORCE_MIGRATE") ? ", forced migration" : "");
  std::fflush(stdout);
  const auto until = asked.minutes > 0
                         ? steady::now() + std::chrono::duration_cast<steady::duration>(
                                               std::chrono::duration<double>(asked.minutes * 60))
                         : steady::time_point::max();
  soak::watchdog dog(asked.patience_seconds);
  soak::memory_watch memory;
  progress told;
  bool grown = false;
  std::uint64_t number = asked.first_round;
  for (std::uint64_t left = asked.rounds; left > 0 && steady::now() < until; --left, ++number) {
    soak::round now(asked, number);
    dog.watch(&now);
    now.run();
    dog.watch(nullptr);
    grown = memory.grows(soak::memory_now());
    told.tell(number, false);
    if (soak::failures() != 0 || grown) break;
  }
  told.tell(number, true);
  return soak::failures() != 0 || grown ? 1 : 0;
}
