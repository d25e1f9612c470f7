#include "watchdog.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

#include <weft/weft.hpp>

#include "cast.hpp"

namespace soak {

watchdog::watchdog(int patience_seconds) : patience_(patience_seconds), dog_([this] { guard(); }) {}

watchdog::~watchdog() {
  {
    const std::lock_guard hold(mutex_);
    over_ = true;
  }
  changed_.notify_one();
  dog_.join();
}

void watchdog::watch(const round* now) {
  const std::lock_guard hold(mutex_);
  watched_ = now;
  since_ = std::chrono::steady_clock::now();
}

void watchdog::guard() {
  std::unique_lock hold(mutex_);
  while (!changed_.wait_for(hold, std::chrono::milliseconds(200), [this] { return over_; }))
    if (watched_ && std::chrono::steady_clock::now() - since_ > patience_) bark(*watched_);
}

void watchdog::bark(const round& hanging) {
  std::fprintf(stderr, "soak: HANGS: round %llu; %zu goroutines, max_procs %d, %lld elements\n",
               static_cast<unsigned long long>(hanging.number()), weft::num_goroutines(),
               weft::max_procs(), static_cast<long long>(live::count()));
  for (const part& p : hanging.parts())
    std::fprintf(stderr, "  %-6s scene %d '%s' (seed %llu) on a %s: %s, %llu steps\n",
                 p.what->over() ? "over" : "ACTIVE", p.what->number(), p.what->name(),
                 static_cast<unsigned long long>(p.what->seed()),
                 p.on_thread ? "thread" : "goroutine", p.what->doing(),
                 static_cast<unsigned long long>(p.what->steps()));
  std::fprintf(stderr, "  again: %s\n", hanging.replay().c_str());
  // For a debugger: a command, which gets the number of the process.
  if (const char* command = std::getenv("WEFT_SOAK_ON_HANG"))
    static_cast<void>(
        std::system((std::string(command) + " " + std::to_string(::getpid())).c_str()) + 0);
  weft::dump(std::cerr);
  std::abort();
}

}  // namespace soak
