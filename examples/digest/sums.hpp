// The checksums of all files below some paths, in order.
#pragma once

#include <string>
#include <vector>

#include "files/hash.hpp"
#include "terminal/console.hpp"
#include "terminal/progress.hpp"

namespace digest {

/// Returns: whether every file could be read.
bool print_sums(const std::vector<std::string>& paths, const algorithm& function, int jobs,
                console& screen, const progress& bar);

}  // namespace digest
