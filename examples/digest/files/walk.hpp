// Which files lie below the given paths, in which order?
//
// A directory's entries come sorted by the bytes of their names, and what lies in a subdirectory
// comes in that subdirectory's place. Symbolic links inside a tree, and all that is neither a file
// nor a directory, are passed over.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <system_error>
#include <vector>

namespace digest {

struct found_file {
  std::string name;
  std::uint64_t size = 0;        // bytes, when it was found
  bool in_tree = false;          // found by walking, not named by the user
  std::error_code trouble = {};  // not a file: a directory that could not be read
};

/// Calls `each` for every file, in order, from the calling goroutine.
///
/// A path that is a directory, or a link to one, is walked; any other is a file, whatever it is.
/// Directories soon to come are listed ahead, by goroutines of their own. Memory: for each level of
/// the tree the entries of one directory and of the few listed ahead.
void walk(const std::vector<std::string>& paths, const std::function<void(found_file)>& each);

}  // namespace digest
