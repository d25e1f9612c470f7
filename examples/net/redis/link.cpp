// See link.hpp.
#include "redis/link.hpp"

#include <mutex>
#include <new>
#include <vector>

#include <weft/io/wait.hpp>

namespace redis {
namespace {

redisContext* begin_to_connect(const std::string& where) {
  const std::size_t colon = where.rfind(':');
  if (where.find('/') != std::string::npos || colon == std::string::npos)
    return ::redisConnectUnixNonBlock(where.c_str());
  // An address, not a name: hiredis would block the thread to look that up.
  return ::redisConnectNonBlock(where.substr(0, colon).c_str(), std::stoi(where.substr(colon + 1)));
}

}  // namespace

link::link(const std::string& where) : hiredis_(begin_to_connect(where)) {
  if (!hiredis_) throw std::bad_alloc();
  check_locked(hiredis_->err == 0 ? REDIS_OK : REDIS_ERR);
}

void link::check_locked(int status) const {
  if (status != REDIS_OK) throw error(hiredis_->errstr);
}

void link::append(std::span<const std::string_view> words) {
  std::vector<const char*> data;
  std::vector<std::size_t> sizes;
  for (const std::string_view word : words) {
    data.push_back(word.data());
    sizes.push_back(word.size());
  }
  std::lock_guard guard(mutex_);
  check_locked(::redisAppendCommandArgv(hiredis_.get(), static_cast<int>(words.size()), data.data(),
                                        sizes.data()));
}

bool link::flush(const weft::context& ctx) {
  for (;;) {
    {
      int done = 0;
      std::lock_guard guard(mutex_);
      check_locked(::redisBufferWrite(hiredis_.get(), &done));
      if (done != 0) return true;
    }
    if (!weft::wait_writable(ctx, hiredis_->fd)) return false;
  }
}

reply link::next(const weft::context& ctx) {
  for (;;) {
    {
      void* parsed = nullptr;
      std::lock_guard guard(mutex_);
      check_locked(::redisGetReply(hiredis_.get(), &parsed));
      if (parsed) return reply(static_cast<redisReply*>(parsed));
    }
    if (!weft::wait_readable(ctx, hiredis_->fd)) return nullptr;
    std::lock_guard guard(mutex_);
    check_locked(::redisBufferRead(hiredis_.get()));
  }
}

}  // namespace redis
