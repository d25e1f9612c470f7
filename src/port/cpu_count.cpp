// sched_getaffinity, and the cgroup files as cgroups(7) describes them.
#include "port/cpu_count.hpp"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string_view>
#include <vector>

namespace weft::detail {
namespace {

int count_affinity() noexcept {
  cpu_set_t usual;
  if (::sched_getaffinity(0, sizeof usual, &usual) == 0) return std::max(1, CPU_COUNT(&usual));
  for (int bits = 2048; bits <= 1 << 20; bits *= 2) {
    const std::size_t bytes = CPU_ALLOC_SIZE(bits);
    cpu_set_t* set = CPU_ALLOC(bits);
    if (!set) return 1;
    const int result = ::sched_getaffinity(0, bytes, set);
    const bool too_small = result != 0 && errno == EINVAL;
    const int count = result == 0 ? CPU_COUNT_S(bytes, set) : 1;
    CPU_FREE(set);
    if (!too_small) return std::max(1, count);
  }
  return 1;
}

struct cgroup_place {
  std::string mount;  // where the hierarchy is mounted
  std::string path;   // this process's cgroup inside it
  bool unified = false;
};

bool has_word(std::string_view list, std::string_view word) {
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t comma = std::min(list.find(',', at), list.size());
    if (list.substr(at, comma - at) == word) return true;
    at = comma + 1;
  }
  return false;
}

/// /proc/self/cgroup: "id:controllers:path", with "0::path" for the unified hierarchy.
std::optional<std::string> cgroup_path(const std::string& root, bool unified) {
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (unified ? controllers.empty() : has_word(controllers, "cpu"))
      return line.substr(second + 1);
  }
  return std::nullopt;
}

/// /proc/self/mountinfo: fields 4 and 5 are the root and the mount point; after " - " come the
/// type, the source and the super block's options.
std::vector<cgroup_place> cgroup_places(const std::string& root) {
  std::vector<cgroup_place> places;
  std::ifstream file(root + "/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::istringstream left(line.substr(0, dash));
    std::istringstream right(line.substr(dash + 3));
    std::string skip, mount_root, mount, type, source, options;
    left >> skip >> skip >> skip >> mount_root >> mount;
    right >> type >> source >> options;
    const bool unified = type == "cgroup2";
    if (!unified && !(type == "cgroup" && has_word(options, "cpu"))) continue;
    std::optional<std::string> path = cgroup_path(root, unified);
    if (!path) continue;
    if (mount_root != "/" && path->starts_with(mount_root)) path->erase(0, mount_root.size());
    places.push_back({root + mount, *path, unified});
  }
  return places;
}

std::optional<double> quota_at(const std::string& directory, bool unified) {
  double quota = 0;
  double period = 0;
  if (unified) {
    std::ifstream file(directory + "/cpu.max");  // "max 100000" or "50000 100000"
    if (!(file >> quota >> period)) return std::nullopt;
  } else {
    std::ifstream quota_file(directory + "/cpu.cfs_quota_us");  // -1: none
    std::ifstream period_file(directory + "/cpu.cfs_period_us");
    if (!(quota_file >> quota) || !(period_file >> period)) return std::nullopt;
  }
  if (quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

}  // namespace

int affinity_count() noexcept {
  static const int count = count_affinity();
  return count;
}

std::optional<double> cgroup_quota(const std::string& root) {
  std::optional<double> smallest;
  for (const cgroup_place& place : cgroup_places(root)) {
    std::string path = place.path == "/" ? "" : place.path;
    for (;;) {
      const std::optional<double> quota = quota_at(place.mount + path, place.unified);
      if (quota && (!smallest || *quota < *smallest)) smallest = quota;
      if (path.empty()) break;
      const std::size_t slash = path.rfind('/');
      path.erase(slash == std::string::npos ? 0 : slash);
    }
  }
  return smallest;
}

int default_max_procs(int affinity, std::optional<double> quota) noexcept {
  if (!quota) return affinity;
  const int limit = static_cast<int>(std::min(std::ceil(*quota), 1e6));
  return std::clamp(limit, std::min(2, affinity), affinity);
}

}  // namespace weft::detail
