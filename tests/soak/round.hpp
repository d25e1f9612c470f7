// A round: the plan, which follows from the seed and the round's number alone, and its run.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "scene.hpp"

namespace soak {

struct options {
  double minutes = 0;
  std::uint64_t seed = 1;
  int procs = 0;  // 0: as many as weft chooses
  std::uint64_t first_round = 0;
  std::uint64_t rounds = UINT64_MAX;
  int patience_seconds = 120;  // a round that takes longer hangs
  std::string only;            // scenarios whose name contains this
};

/// The part of the plan that a scene does not draw itself.
struct part {
  std::unique_ptr<scene> what;
  bool on_thread = false;
};

class round {
 public:
  round(const options& asked, std::uint64_t number);

  std::uint64_t number() const noexcept { return number_; }
  const std::vector<part>& parts() const noexcept { return parts_; }
  /// The command that repeats it.
  const std::string& replay() const noexcept { return replay_; }

  /// All scenes side by side; at the end nothing is left of them.
  void run();

 private:
  void settle();

  const std::uint64_t number_;
  const int procs_;
  std::vector<part> parts_;
  std::string replay_;
};

}  // namespace soak
