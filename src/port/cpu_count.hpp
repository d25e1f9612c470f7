// How many processors this process may use: affinity mask and cgroup quota.
// Tested by: tests/unit/port/cpu_count_test.cpp
#pragma once

#include <optional>
#include <string>

namespace weft::detail {

/// The affinity mask at first call; at least 1.
int affinity_count() noexcept;

/// The CPU quota in processors (quota / period) that binds this process, the smallest of its cgroup
/// and the cgroup's parents; version 2 and version 1. `root` is "" but in tests.
std::optional<double> cgroup_quota(const std::string& root = "");

/// min(affinity, ceil(quota)), where a quota never makes it less than 2.
int default_max_procs(int affinity, std::optional<double> quota) noexcept;

}  // namespace weft::detail
