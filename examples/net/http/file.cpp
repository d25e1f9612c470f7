#include "file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>

namespace web {

namespace {

/// A name that the folder `parent` has itself. Step by step, and never through a link: what is
/// opened is below the root whatever is renamed meanwhile.
int open_child(int parent, const std::string& name, int flags) {
  constexpr int always = O_RDONLY | O_CLOEXEC | O_NOFOLLOW;
  if (name.empty() || name.front() == '.') return -1;
  return ::openat(parent, name.c_str(), always | flags);
}

/// None: not a regular file.
std::optional<std::uint64_t> size_of(int fd) {
  struct stat about;
  if (::fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) return std::nullopt;
  return static_cast<std::uint64_t>(about.st_size);
}

/// The descriptor of a file, of a folder's index.html if the path ends with a slash; -1.
int open_below(int root, std::string_view path) {
  const bool index_wanted = path.empty() || path.ends_with('/');
  int at = ::fcntl(root, F_DUPFD_CLOEXEC, 0);
  while (at >= 0 && !path.empty()) {
    const std::size_t end = path.find('/');
    const std::string name(path.substr(0, end));
    // O_NONBLOCK: opening a pipe does not wait for its writer.
    const int next = open_child(at, name, end == path.npos ? O_NONBLOCK : O_DIRECTORY);
    ::close(at);
    at = next;
    path.remove_prefix(end == path.npos ? path.size() : end + 1);
  }
  if (at < 0 || !index_wanted) return at;
  const int index = open_child(at, "index.html", O_NONBLOCK);
  ::close(at);
  return index;
}

int hex_digit(char c) {
  int value = -1;
  std::from_chars(&c, &c + 1, value, 16);
  return value;
}

}  // namespace

file_root::file_root(const std::string& folder)
    : fd_(::open(folder.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY)) {
  if (fd_ < 0) throw std::system_error(errno, std::system_category(), folder);
}
file_root::~file_root() { ::close(fd_); }

std::optional<opened_file> file_root::open(std::string_view path) const {
  const int fd = open_below(fd_, path);
  if (fd < 0) return std::nullopt;
  weft::io::file content(fd);  // closes it if it is not wanted
  const auto size = size_of(fd);
  if (!size || ::fcntl(fd, F_SETFL, 0) != 0) return std::nullopt;  // no longer O_NONBLOCK
  return opened_file{std::move(content), *size};
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(16 * high + low);
      i += 2;
    }
    if (c == '\0') return std::nullopt;
    decoded += c;
  }
  return decoded;
}

std::string_view content_type(std::string_view path) {
  struct known {
    std::string_view ending, type;
  };
  static constexpr std::array types{
      known{".html", "text/html; charset=utf-8"},
      known{".css", "text/css; charset=utf-8"},
      known{".js", "text/javascript"},
      known{".txt", "text/plain; charset=utf-8"},
      known{".json", "application/json"},
      known{".svg", "image/svg+xml"},
      known{".png", "image/png"},
      known{".jpg", "image/jpeg"},
  };
  for (const known& k : types)
    if (path.ends_with(k.ending)) return k.type;
  return path.empty() || path.ends_with('/') ? types[0].type : "application/octet-stream";
}

}  // namespace web
