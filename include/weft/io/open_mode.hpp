#pragma once

namespace weft::io {

/// How a file is opened; combined by `|`.
enum class open_mode : unsigned {
  read = 1,
  write = 2,
  read_write = read | write,
  create = 4,       ///< makes the file if there is none
  must_create = 8,  ///< the same, but fails if there is one (std::errc::file_exists)
  truncate = 16,    ///< empties it
  append = 32,      ///< every write goes to the end, wherever it was meant to
  owner_only = 64,  ///< a new file is its owner's alone (0600); otherwise 0666 without the umask
};

constexpr open_mode operator|(open_mode a, open_mode b) noexcept {
  return static_cast<open_mode>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool has(open_mode all, open_mode one) noexcept {
  return (static_cast<unsigned>(all) & static_cast<unsigned>(one)) != 0;
}

}  // namespace weft::io
