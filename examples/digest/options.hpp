// What did the user ask for?
#pragma once

#include <string>
#include <variant>
#include <vector>

namespace digest {

struct options {
  std::string algorithm = "sha256";
  int jobs = 0;  // 0: not said
  bool check = false;
  bool quiet = false;
  bool status = false;
  bool warn = false;
  bool strict = false;
  bool ignore_missing = false;
  std::vector<std::string> paths;  // never empty: "-" is standard input
};

/// Either what to do, or the status to exit with at once, after --help or a mistake.
std::variant<options, int> parse(int argc, const char* const* argv);

}  // namespace digest
