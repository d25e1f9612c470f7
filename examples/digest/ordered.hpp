// Work done by many, handed over in the order in which it was asked for.
//
// For every job a channel for its reply is made. The job goes to whoever is free; the channel goes
// into a queue, and the reader of that queue waits for one reply after the other. The queue is the
// window: when it is full, no job is accepted until the oldest one has been answered and taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include <weft/chan.hpp>

namespace digest {

/// A handle, like the channels it is made of: copy it into the goroutines that use it.
template <class Job, class Reply>
class ordered_work {
 public:
  explicit ordered_work(std::size_t window) : tasks_(window), replies_(window) {}

  /// Blocks while the window is full.
  void submit(Job job) const {
    const weft::chan<Reply> reply(1);
    replies_.send(reply);
    tasks_.send({std::move(job), reply});
  }
  /// No more jobs will come.
  void close() const {
    tasks_.close();
    replies_.close();
  }
  /// Does jobs until there are no more.
  template <class F>
  void serve(F do_job) const {
    for (task& next : tasks_) next.reply.send(do_job(std::move(next.job)));
  }
  /// The replies, in the order of submission: a channel with one value each.
  weft::recv_chan<weft::recv_chan<Reply>> replies() const { return replies_; }

 private:
  struct task {
    Job job;
    weft::send_chan<Reply> reply;
  };
  weft::chan<task> tasks_;
  weft::chan<weft::recv_chan<Reply>> replies_;
};

/// Puts items together so that small files do not cost a hand-over each, and no batch is so large
/// that others run out of work while one hashes it.
template <class Item>
class batcher {
 public:
  explicit batcher(std::function<void(std::vector<Item>)> submit) : submit_(std::move(submit)) {}

  /// `file_bytes`: what hashing the item will read. `name_bytes`: what it holds in memory.
  void add(Item item, std::uint64_t file_bytes, std::size_t name_bytes) {
    batch_.push_back(std::move(item));
    file_bytes_ += file_bytes;
    name_bytes_ += name_bytes;
    const bool full = batch_.size() >= items_max || file_bytes_ >= file_bytes_max;
    if (full || name_bytes_ >= name_bytes_max) flush();
  }
  void flush() {
    if (!batch_.empty()) submit_(std::exchange(batch_, {}));
    file_bytes_ = 0;
    name_bytes_ = 0;
  }

 private:
  static constexpr std::size_t items_max = 32;
  static constexpr std::uint64_t file_bytes_max = 1024 * 1024;
  static constexpr std::size_t name_bytes_max = 8 * 1024;

  std::function<void(std::vector<Item>)> submit_;
  std::vector<Item> batch_;
  std::uint64_t file_bytes_ = 0;
  std::size_t name_bytes_ = 0;
};

/// Batches between the oldest one unanswered and the newest one begun. With the limits above these
/// are at most 32,768 files and about 12 MiB of names.
inline constexpr std::size_t window_batches = 1024;

}  // namespace digest
