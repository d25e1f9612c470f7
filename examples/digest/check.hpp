// Do the files still have the checksums that a list says?
#pragma once

#include <string>

#include "files/hash.hpp"
#include "options.hpp"
#include "terminal/console.hpp"
#include "terminal/progress.hpp"

namespace digest {

/// Checks the files of one list ("-" is standard input), in the words of `sha256sum -c`.
/// Returns: whether all is well.
bool check_list(const std::string& list, const options& wanted, const algorithm& function, int jobs,
                console& screen, const progress& bar);

}  // namespace digest
