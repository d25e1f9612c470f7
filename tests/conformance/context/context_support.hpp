// What the context tests share.
#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "weft_test.hpp"

namespace context_test {

/// Far beyond the end of any test.
inline constexpr std::chrono::seconds forever{1'000'000};

/// Whether the channel is closed. Never waits.
inline bool is_closed(const weft::recv_chan<void>& c) {
  return c && c.try_recv().status() == weft::channel_status::closed;
}

/// The words of an exception; "" for none.
inline std::string words_of(const std::exception_ptr& e) {
  if (!e) return {};
  try {
    std::rethrow_exception(e);
  } catch (const std::exception& known) {
    return known.what();
  }
}
inline std::string why(const weft::context& ctx) { return words_of(ctx.cause()); }

/// Everything that a context that is not cancelled says.
inline void expect_alive(const weft::context& ctx) {
  EXPECT_FALSE(ctx.cancelled());
  EXPECT_EQ(ctx.err(), std::error_code());
  EXPECT_EQ(ctx.cause(), nullptr);
  EXPECT_FALSE(is_closed(ctx.done()));
  EXPECT_FALSE(ctx.stop_token().stop_requested());
  EXPECT_NO_THROW(ctx.throw_if_cancelled());
}

/// Everything that a cancelled one says.
inline void expect_ended(const weft::context& ctx, weft::context_errc e, const std::string& cause) {
  EXPECT_TRUE(ctx.cancelled());
  EXPECT_EQ(ctx.err(), e);
  EXPECT_TRUE(is_closed(ctx.done()));
  EXPECT_EQ(why(ctx), cause);
  EXPECT_TRUE(ctx.stop_token().stop_requested());
  EXPECT_THROW(ctx.throw_if_cancelled(), std::exception);
}
inline void expect_canceled(const weft::context& ctx) {
  expect_ended(ctx, weft::context_errc::canceled, "context canceled");
  EXPECT_THROW(ctx.throw_if_cancelled(), weft::context_canceled);
}
inline void expect_too_late(const weft::context& ctx) {
  expect_ended(ctx, weft::context_errc::deadline_exceeded, "context deadline exceeded");
  EXPECT_THROW(ctx.throw_if_cancelled(), weft::context_deadline_exceeded);
}

/// How many there are.
using census = std::shared_ptr<std::atomic<int>>;
inline census make_census() { return std::make_shared<std::atomic<int>>(0); }

/// Counts how many of its kind there are.
class counted {
 public:
  explicit counted(census alive) : alive_(std::move(alive)) { ++*alive_; }
  counted(const counted& other) : alive_(other.alive_) { ++*alive_; }
  counted& operator=(const counted&) = delete;
  ~counted() { --*alive_; }

 private:
  census alive_;
};

inline const weft::context_key<counted> counted_key;

}  // namespace context_test
