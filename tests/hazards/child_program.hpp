// Runs a scenario in a process of its own, and says how it ended and what it
// said.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace hazards {

#if defined(__SANITIZE_THREAD__)
inline constexpr bool under_tsan = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
inline constexpr bool under_tsan = true;
#else
inline constexpr bool under_tsan = false;
#endif
#else
inline constexpr bool under_tsan = false;
#endif

struct ending {
  int status = -1; // what it returned, or
  int signal = 0;  // what killed it; SIGKILL if it hung
  std::string said;

  bool says(const std::string &words) const {
    return said.find(words) != std::string::npos;
  }
};

std::ostream &operator<<(std::ostream &out, const ending &e);

/// `environment`: what is added to this process's ("NAME=value").
/// `before`: a command that is to start it (words), such as unshare.
ending run_scenario(const std::string &name,
                    const std::vector<std::string> &environment = {},
                    const std::vector<std::string> &before = {});

/// How often each way to end is tried: WEFT_HAZARD_ROUNDS, or a few.
int rounds();

/// Settings under which a scenario must end in the same way; one for each
/// round, in turn.
std::vector<std::string> settings(int round);

} // namespace hazards
