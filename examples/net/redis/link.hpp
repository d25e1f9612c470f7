// A connection of hiredis's whose calls park the goroutine that makes them, and nobody else.
//
// hiredis reads, writes and parses, and never waits (its non-blocking mode); weft waits. Nothing of
// hiredis's is replaced, and no event loop runs.
//
// Threads: any; `append`, `flush` and `next` from different goroutines at the same time. The
//          replies come in the order of the commands, to whoever asks.
#pragma once

#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include <hiredis/hiredis.h>
#include <weft/context.hpp>
#include <weft/sync/mutex.hpp>

namespace redis {

/// The server has refused a command, or the connection has failed.
class error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct reply_deleter {
  void operator()(redisReply* r) const noexcept { ::freeReplyObject(r); }
};
using reply = std::unique_ptr<redisReply, reply_deleter>;

/// What a reply of text says.
inline std::string_view text_of(const redisReply& r) {
  return r.str ? std::string_view(r.str, r.len) : std::string_view();
}

class link {
 public:
  /// "ADDRESS:PORT", or the path of a Unix socket. Begins to connect: whether that succeeds, the
  /// first `flush` or `next` tells. Throws: error.
  explicit link(const std::string& where);

  /// Puts a command into the buffer.
  void append(std::span<const std::string_view> words);
  /// Sends what is in the buffer. Returns: false if it was cancelled. Throws: error.
  bool flush(const weft::context& ctx);
  /// Returns: the next reply; null if it was cancelled. Throws: error, if there will be none.
  reply next(const weft::context& ctx);

 private:
  struct context_deleter {
    void operator()(redisContext* c) const noexcept { ::redisFree(c); }
  };
  /// With the mutex held. Throws what hiredis says if it has failed.
  void check_locked(int status) const;

  weft::mutex mutex_;  // never held while something waits
  std::unique_ptr<redisContext, context_deleter> hiredis_;
};

}  // namespace redis
