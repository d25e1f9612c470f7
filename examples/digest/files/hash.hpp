// What is the checksum of a file?
//
// Threads: an algorithm may be shared; a file_hasher belongs to one goroutine at a time.
#pragma once

#include <openssl/evp.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

namespace digest {

/// A hash function of OpenSSL's, looked up once.
class algorithm {
 public:
  /// Throws: std::invalid_argument: OpenSSL knows no such function, or it has no fixed length.
  explicit algorithm(const std::string& name);

  std::size_t hex_digits() const noexcept { return 2 * bytes_; }
  /// As in the lines of `sha256sum --tag`: "SHA256".
  const std::string& tag() const noexcept { return tag_; }
  const EVP_MD* md() const noexcept { return md_.get(); }

 private:
  std::unique_ptr<EVP_MD, void (*)(EVP_MD*)> md_;
  std::string tag_;
  std::size_t bytes_;
};

struct checksum {
  std::string hex;                     // lower case
  std::uint64_t unreported_bytes = 0;  // read, but not told to `on_bytes`
  std::error_code trouble = {};
};

/// Hashes one file after the other with the same buffer.
class file_hasher {
 public:
  /// `on_bytes` is told how far a long file has been read: the bytes since the last call.
  file_hasher(const algorithm& function, std::function<void(std::uint64_t)> on_bytes);

  /// `name` "-" is standard input. `in_tree`: the walk saw a file there, so do not follow a link
  /// and do not wait for a pipe.
  checksum hash(const std::string& name, bool in_tree);

 private:
  std::error_code read_all(int fd, std::uint64_t& unreported_bytes);
  std::string finish();

  const algorithm& function_;
  std::function<void(std::uint64_t)> on_bytes_;
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
  std::vector<unsigned char> buffer_;  // on the heap: a goroutine's stack is small
};

}  // namespace digest
