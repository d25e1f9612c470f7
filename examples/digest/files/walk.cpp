#include "files/walk.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include <weft/chan.hpp>
#include <weft/go.hpp>

namespace digest {

namespace {

/// Enough to keep a disk busy; each one more may hold a large directory in memory.
constexpr std::size_t listed_ahead_max = 4;

struct entry {
  std::string name;
  std::uint64_t size = 0;
  bool is_directory = false;
};

struct listing {
  std::vector<entry> entries;
  std::error_code trouble;
};

std::error_code last_error() { return {errno, std::generic_category()}; }

/// What a directory entry is to us; nullopt: nothing.
std::optional<entry> classify(int directory_fd, const dirent& found) {
  const std::string_view name = found.d_name;
  if (name == "." || name == "..") return std::nullopt;
  if (found.d_type == DT_DIR) return entry{std::string(name), 0, true};
  if (found.d_type != DT_REG && found.d_type != DT_UNKNOWN) return std::nullopt;

  struct stat about {};
  if (fstatat(directory_fd, found.d_name, &about, AT_SYMLINK_NOFOLLOW) != 0)
    return entry{std::string(name)};  // whoever opens it will say what is wrong
  if (S_ISDIR(about.st_mode)) return entry{std::string(name), 0, true};
  if (!S_ISREG(about.st_mode)) return std::nullopt;
  return entry{std::string(name), static_cast<std::uint64_t>(about.st_size)};
}

listing list_directory(const std::string& path, bool follow_link) {
  listing result;
  const int fd =
      open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | (follow_link ? 0 : O_NOFOLLOW));
  if (fd < 0) {
    result.trouble = last_error();
    return result;
  }
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(fdopendir(fd), &closedir);
  if (!directory) {
    result.trouble = last_error();
    close(fd);
    return result;
  }
  for (;;) {
    errno = 0;
    const dirent* found = readdir(directory.get());
    if (!found) break;
    if (auto known = classify(fd, *found)) result.entries.push_back(*std::move(known));
  }
  if (errno != 0) result.trouble = last_error();
  std::ranges::sort(result.entries, {}, &entry::name);
  return result;
}

std::string joined(const std::string& directory, const std::string& name) {
  return directory.ends_with('/') ? directory + name : directory + '/' + name;
}

/// A directory on the way from the root of a tree to the present place.
class open_directory {
 public:
  open_directory(std::string path, listing content)
      : path_(std::move(path)), entries_(std::move(content.entries)) {}

  bool at_end() const { return next_ == entries_.size(); }
  entry take_next() { return std::move(entries_[next_++]); }
  std::string path_of(const entry& e) const { return joined(path_, e.name); }

  /// Call before take_next: starts listing the next few subdirectories.
  void list_ahead() {
    for (; coming_.size() < listed_ahead_max && asked_ < entries_.size(); ++asked_) {
      if (!entries_[asked_].is_directory) continue;
      const weft::chan<listing> reply(1);  // with room, so that nobody waits for us to ask
      weft::go(
          [path = path_of(entries_[asked_]), reply] { reply.send(list_directory(path, false)); });
      coming_.push_back(reply);
    }
  }
  /// The listing of the subdirectory taken last.
  listing take_listing() {
    const weft::chan<listing> reply = std::move(coming_.front());
    coming_.pop_front();
    return *reply.recv();
  }

 private:
  std::string path_;
  std::vector<entry> entries_;
  std::size_t next_ = 0;
  std::size_t asked_ = 0;  // subdirectories before this one were asked for
  std::deque<weft::chan<listing>> coming_;
};

void walk_tree(const std::string& root, const std::function<void(found_file)>& each) {
  std::vector<open_directory> way;  // not recursion: a tree may be deeper than a stack
  auto enter = [&](std::string path, listing content) {
    if (content.trouble) each({.name = path, .in_tree = true, .trouble = content.trouble});
    way.emplace_back(std::move(path), std::move(content));
  };
  enter(root, list_directory(root, true));
  while (!way.empty()) {
    open_directory& here = way.back();
    if (here.at_end()) {
      way.pop_back();
      continue;
    }
    here.list_ahead();
    const entry next = here.take_next();
    if (next.is_directory)
      enter(here.path_of(next), here.take_listing());
    else
      each({.name = here.path_of(next), .size = next.size, .in_tree = true});
  }
}

}  // namespace

void walk(const std::vector<std::string>& paths, const std::function<void(found_file)>& each) {
  for (const std::string& path : paths) {
    struct stat about {};
    const bool known = path != "-" && stat(path.c_str(), &about) == 0;
    if (known && S_ISDIR(about.st_mode))
      walk_tree(path, each);
    else
      each({.name = path, .size = known ? static_cast<std::uint64_t>(about.st_size) : 0});
  }
}

}  // namespace digest
