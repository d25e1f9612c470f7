#include "process.hpp"

#include <sys/resource.h>
#include <time.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

namespace net_bench {

std::int64_t watched::cpu_ns() const {
  namespace fs = std::filesystem;
  std::error_code gone;
  std::int64_t sum = 0;
  const fs::path tasks = "/proc/" + std::to_string(pid_) + "/task";
  for (const fs::directory_entry& task : fs::directory_iterator(tasks, gone)) {
    // The first number of schedstat is the time on a CPU in ns: `stat` counts in ticks of 10 ms.
    std::ifstream file(task.path() / "schedstat");
    std::int64_t running = 0;
    if (file >> running) sum += running;
  }
  return sum;
}

std::int64_t watched::status_bytes(std::string_view field) const {
  std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field) && line[field.size()] == ':')
      return std::strtoll(line.c_str() + field.size() + 1, nullptr, 10) * 1024;
  return 0;
}

std::int64_t now_ns() noexcept {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1'000'000'000 + t.tv_nsec;
}

void allow_many_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) fail("getrlimit");
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) fail("setrlimit");
}

void fail(std::string_view text) {
  std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(text.size()), text.data(),
               std::strerror(errno));
  std::exit(1);
}

}  // namespace net_bench
