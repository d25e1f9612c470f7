// See client.hpp.
#include "redis/client.hpp"

#include <mutex>
#include <utility>

namespace redis {

client::client(const std::string& where) : link_(where) {
  goroutines_.go(weft::named("redis writer"), [this] { send_commands(); });
  goroutines_.go(weft::named("redis reader"), [this] { hand_out_replies(); });
}

client::client(const weft::context& ctx, const std::string& where) : client(where) {
  command(ctx, "PING");
}

client::~client() {
  life_.cancel();
  goroutines_.wait();
}

reply client::ask(const weft::context& ctx, std::span<const std::string_view> words) {
  const weft::oneshot<reply> answer;
  {
    std::lock_guard guard(mutex_);
    if (ended_) throw error(*ended_);
    link_.append(words);
    asked_.push_back(answer);
  }
  static_cast<void>(news_.try_send());
  weft::recv_result<reply> got = answer.recv(ctx);
  if (got.status() == weft::channel_status::cancelled) ctx.throw_if_cancelled();
  if (!got) {
    std::lock_guard guard(mutex_);
    throw error(*ended_);
  }
  if ((*got)->type == REDIS_REPLY_ERROR) throw error(std::string(text_of(**got)));
  return *std::move(got);
}

void client::send_commands() {
  try {
    while (news_.recv(life_.ctx) && link_.flush(life_.ctx)) {
    }
  } catch (const error& e) {
    end(e.what());
  }
}

void client::hand_out_replies() {
  try {
    while (reply next = link_.next(life_.ctx)) {
      weft::oneshot<reply> to;
      {
        std::lock_guard guard(mutex_);
        if (asked_.empty()) throw error("a reply that nobody has asked for");
        to = std::move(asked_.front());
        asked_.pop_front();
      }
      to.send(std::move(next));  // never waits; whoever has given up does not get it
    }
    end("the client was closed");
  } catch (const error& e) {
    end(e.what());
  }
}

/// Whichever of the two goroutines finds out first.
void client::end(const std::string& why) {
  std::deque<weft::oneshot<reply>> in_vain;
  {
    std::lock_guard guard(mutex_);
    if (!ended_) ended_ = why;
    in_vain.swap(asked_);
  }
  life_.cancel();
  for (const weft::oneshot<reply>& each : in_vain) each.close();
}

subscription::subscription(const weft::context& ctx, const std::string& where,
                           const std::string& channel)
    : link_(where) {
  link_.append(std::array<std::string_view, 2>{"SUBSCRIBE", channel});
  if (!link_.flush(ctx) || !link_.next(ctx)) ctx.throw_if_cancelled();
  reader_.go(weft::named("redis subscription"), [this] { pass_on(); });
}

subscription::~subscription() {
  life_.cancel();
  reader_.wait();
}

void subscription::pass_on() {
  try {
    while (const reply got = link_.next(life_.ctx)) {
      if (got->type != REDIS_REPLY_ARRAY || got->elements != 3) continue;
      message m{std::string(text_of(*got->element[1])), std::string(text_of(*got->element[2]))};
      if (messages_.send(life_.ctx, std::move(m)) != weft::channel_status::ok) break;
    }
  } catch (const error& e) {
    why_ = e.what();
  }
  messages_.close();
}

}  // namespace redis
