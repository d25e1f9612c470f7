// Static files below a folder, and nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <weft/io/file.hpp>

namespace web {

/// A regular file, and its size when it was opened.
struct opened_file {
  weft::io::file content;
  std::uint64_t size = 0;
};

class file_root {
 public:
  /// Throws: std::system_error (it is not a folder that can be opened).
  explicit file_root(const std::string& folder);
  file_root(const file_root&) = delete;
  file_root& operator=(const file_root&) = delete;
  ~file_root();

  /// `path` is decoded already: "a/b.html"; "a/" is "a/index.html". None: there is no such
  /// file, or it is not for the public: symbolic links, names that begin with a dot (".." is one),
  /// and whatever is not a regular file.
  std::optional<opened_file> open(std::string_view path) const;

 private:
  int fd_;
};

/// "%41" is "A". None: it is not well-formed, or hides a zero byte.
std::optional<std::string> percent_decoded(std::string_view text);

/// From the ending of the name.
std::string_view content_type(std::string_view path);

}  // namespace web
