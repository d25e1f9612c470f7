// Tells of a round that hangs, and aborts. It is made of plain threads and uses nothing of weft.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "round.hpp"

namespace soak {

class watchdog {
 public:
  explicit watchdog(int patience_seconds);
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;
  ~watchdog();

  /// The round that begins now; null: none.
  void watch(const round* now);

 private:
  void guard();
  [[noreturn]] static void bark(const round& hanging);

  const std::chrono::seconds patience_;
  std::mutex mutex_;
  std::condition_variable changed_;
  const round* watched_ = nullptr;
  std::chrono::steady_clock::time_point since_;
  bool over_ = false;
  std::thread dog_;
};

}  // namespace soak
