// Streams that do what a test tells them, and folders for its files.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <filesystem>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include <weft/io/error.hpp>

namespace weft_test {

/// Gives out its parts, one for each call, and then an error: the end, unless told otherwise.
class scripted_source {
 public:
  explicit scripted_source(std::deque<std::string> parts,
                           std::error_code end = weft::io_errc::end_of_file)
      : parts_(std::move(parts)), end_(end) {}

  /// The text, in parts of so many bytes.
  static scripted_source cut(const std::string& text, std::size_t size) {
    std::deque<std::string> parts;
    for (std::size_t at = 0; at < text.size(); at += size) parts.push_back(text.substr(at, size));
    return scripted_source(std::move(parts));
  }

  std::size_t read_some(std::span<char> into, std::error_code& ec) {
    ++calls;
    largest = std::max(largest, into.size());
    ec.clear();
    if (parts_.empty()) {
      ec = end_;
      return 0;
    }
    std::string& part = parts_.front();
    const std::size_t count = std::min(part.size(), into.size());
    std::copy_n(part.begin(), count, into.begin());
    part.erase(0, count);
    if (part.empty()) parts_.pop_front();
    if (parts_.empty() && tells_early) ec = end_;
    return count;
  }
  /// After an error: there is more.
  void add(std::string part) { parts_.push_back(std::move(part)); }

  int calls = 0;
  std::size_t largest = 0;
  bool tells_early = false;  // the last bytes come with the error

 private:
  std::deque<std::string> parts_;
  std::error_code end_;
};

/// Takes at most so many bytes in one call, and fails once it has taken its fill.
class scripted_sink {
 public:
  explicit scripted_sink(std::size_t at_once, std::size_t room = SIZE_MAX)
      : at_once_(at_once), room_(room) {}

  std::size_t write_some(std::span<const char> from, std::error_code& ec) {
    ++calls;
    ec.clear();
    const std::size_t count = std::min({at_once_, room_ - taken.size(), from.size()});
    if (count == 0 && room_ == taken.size())
      ec = std::make_error_code(std::errc::no_space_on_device);
    taken.append(from.data(), count);
    return count;
  }

  std::string taken;
  int calls = 0;

 private:
  std::size_t at_once_;
  std::size_t room_;
};

/// A folder that is gone at the end.
class scratch_folder {
 public:
  explicit scratch_folder(
      const std::filesystem::path& in = std::filesystem::temp_directory_path()) {
    std::string name = (in / "weft-io-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::system_error(errno, std::generic_category(), name);
    path_ = name;
  }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  ~scratch_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// Bytes that tell where they are from.
inline std::string numbered_text(std::size_t size) {
  std::string text;
  for (std::size_t line = 0; text.size() < size; ++line) text += std::to_string(line) + '\n';
  text.resize(size);
  return text;
}

}  // namespace weft_test
