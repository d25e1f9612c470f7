#include "files/hash.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <new>
#include <stdexcept>
#include <utility>

#include <weft/runtime.hpp>

namespace digest {

namespace {

constexpr std::size_t buffer_bytes = 256 * 1024;

std::error_code last_error() { return {errno, std::generic_category()}; }

void check(int openssl_result) {
  if (openssl_result != 1) throw std::runtime_error("OpenSSL failed to hash");
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

algorithm::algorithm(const std::string& name)
    : md_(EVP_MD_fetch(nullptr, name.c_str(), nullptr), &EVP_MD_free),
      tag_(upper(name)),
      bytes_(0) {
  if (!md_) throw std::invalid_argument("unknown algorithm: " + name);
  if (EVP_MD_get_flags(md_.get()) & EVP_MD_FLAG_XOF)
    throw std::invalid_argument("an algorithm without a length of its own: " + name);
  bytes_ = static_cast<std::size_t>(EVP_MD_get_size(md_.get()));
}

file_hasher::file_hasher(const algorithm& function, std::function<void(std::uint64_t)> on_bytes)
    : function_(function),
      on_bytes_(std::move(on_bytes)),
      context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free),
      buffer_(buffer_bytes) {
  if (!context_) throw std::bad_alloc();
}

checksum file_hasher::hash(const std::string& name, bool in_tree) {
  checksum result;
  const bool standard_input = name == "-";
  const int fd = standard_input ? STDIN_FILENO
                                : open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY |
                                                         (in_tree ? O_NOFOLLOW | O_NONBLOCK : 0));
  if (fd < 0) {
    result.trouble = last_error();
    return result;
  }
  check(EVP_DigestInit_ex2(context_.get(), function_.md(), nullptr));
  result.trouble = read_all(fd, result.unreported_bytes);
  if (!standard_input) close(fd);
  if (!result.trouble) result.hex = finish();
  return result;
}

std::error_code file_hasher::read_all(int fd, std::uint64_t& unreported_bytes) {
  for (bool is_long = false;;) {
    const ssize_t got = read(fd, buffer_.data(), buffer_.size());
    if (got == 0) return {};
    if (got < 0) {
      if (errno == EINTR) continue;
      return last_error();
    }
    const auto count = static_cast<std::size_t>(got);
    check(EVP_DigestUpdate(context_.get(), buffer_.data(), count));
    if (count < buffer_.size()) {
      unreported_bytes += count;
      continue;
    }
    if (!std::exchange(is_long, true)) posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    on_bytes_(count);
    weft::yield();  // a long file must not keep the others of its processor waiting
  }
}

std::string file_hasher::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  check(EVP_DigestFinal_ex(context_.get(), digest.data(), &size));
  std::string hex;
  hex.reserve(std::size_t{2} * size);
  for (unsigned i = 0; i < size; ++i) {
    hex += "0123456789abcdef"[digest[i] >> 4];
    hex += "0123456789abcdef"[digest[i] & 15];
  }
  return hex;
}

}  // namespace digest
