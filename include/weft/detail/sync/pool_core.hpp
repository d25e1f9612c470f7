// A pool's compiled half: it keeps nodes and never looks at what is in them.
#pragma once

#include <cstddef>
#include <memory>

namespace weft::detail {

/// What a pool keeps; the object lies in a class derived from it.
struct pool_node {
  pool_node* next = nullptr;
};

class pool_core {
 public:
  /// Keeps at most `limit` nodes a thread. Throws: std::bad_alloc; std::invalid_argument when
  /// `limit` is zero or above 65,536.
  explicit pool_core(std::size_t limit);
  pool_core(const pool_core&) = delete;
  pool_core& operator=(const pool_core&) = delete;
  ~pool_core();

  /// A node with an object, the newest of this thread if it has one; null: there is none.
  pool_node* take_full() noexcept;
  /// Returns: a chain of nodes that the caller must destroy with their objects: the node itself if
  /// there is no room, and those that lay unused for long.
  [[nodiscard]] pool_node* put_full(pool_node& node) noexcept;
  /// A node whose object was moved out.
  pool_node* take_hollow() noexcept;
  /// Returns: whether it was kept.
  [[nodiscard]] bool put_hollow(pool_node& node) noexcept;

  /// take_full() for a handle that will come back by put_lent() or forget_lent(). The null that it
  /// may return counts as lent as well.
  pool_node* lend() noexcept;
  [[nodiscard]] pool_node* put_lent(pool_node& node) noexcept;
  void forget_lent() noexcept;
  /// Ends the program if something is still lent.
  void expect_nothing_lent() noexcept;

  /// Everything that is kept, in two chains.
  struct contents {
    pool_node* full = nullptr;
    pool_node* hollow = nullptr;
  };
  [[nodiscard]] contents take_all() noexcept;

 private:
  class shard;
  class own_shard;
  pool_node* take_elsewhere(const own_shard& own) noexcept;

  const std::size_t shared_;  // the number of the shard of all threads that have none of their own
  std::unique_ptr<shard[]> shards_;
};

}  // namespace weft::detail
