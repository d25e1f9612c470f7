#include "scene.hpp"

#include <cstdio>
#include <exception>
#include <mutex>
#include <string>

namespace soak {
namespace {

std::atomic<std::uint64_t> failed{0};
std::mutex replay_mutex;
std::string replay;

}  // namespace

std::uint64_t failures() noexcept { return failed.load(); }

void set_replay(const char* command) {
  const std::lock_guard hold(replay_mutex);
  replay = command;
}

void scene::play() {
  at("begun");
  try {
    what_.run(*this);
  } catch (const std::exception& e) {
    check(false, e.what());
  }
  at("over");
  over_.store(true, std::memory_order_release);
}

void scene::tell_failure(const char* what) {
  constexpr std::uint64_t told_max = 20;
  if (failed.fetch_add(1) >= told_max) return;
  const std::lock_guard hold(replay_mutex);
  std::fprintf(stderr, "soak: FAILED: %s: %s (while: %s; scene %d, scene seed %llu)\n  again: %s\n",
               name(), what, doing(), number(), static_cast<unsigned long long>(seed()),
               replay.c_str());
}

}  // namespace soak
