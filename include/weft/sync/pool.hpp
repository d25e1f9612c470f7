#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include <weft/detail/sync/pool_core.hpp>

namespace weft {

template <class T>
class pooled;

namespace detail {

/// A node with room for one object.
template <class T>
struct pool_room : pool_node {
  T* object() noexcept { return std::launder(reinterpret_cast<T*>(bytes)); }
  static pool_room& of(pool_node* node) noexcept { return *static_cast<pool_room*>(node); }
  alignas(T) std::byte bytes[sizeof(T)];
};

template <class T>
struct pool_maker {
  pool_maker() noexcept = default;
  pool_maker(const pool_maker&) = delete;
  pool_maker& operator=(const pool_maker&) = delete;
  virtual ~pool_maker() = default;
  virtual T make() = 0;
};

}  // namespace detail

/// Objects that are dear to make and may be used again: Go's `sync.Pool`.
///
/// `borrow` lends an object and takes it back by itself; `get` and `put` move it out and in. On the
/// thread (a worker, or any other) where it was put back an object is the next one taken: it is
/// warm. One that lies at another thread is taken rather than a new one made, at about a
/// microsecond. No object is with two users at a time.
///
/// What is kept: at most `limit` objects a thread; more are destroyed by the put. And what lay
/// unused for 1,024 puts goes little by little. An idle pool keeps what it has, until `trim`.
///
/// An object comes back as it was put: reset it before or after.
///
/// Blocks:  never, but the function that makes objects may.
/// Orders:  a put happens before the get or borrow that returns the same object.
/// Misuse:  destroying a pool while an object is borrowed ends the program.
/// Threads: every operation may be called from any goroutine and any thread, together; so may the
///          function that makes objects be.
/// Example: examples/sync/pool.cpp
template <class T>
class pool {
 public:
  static constexpr std::size_t default_limit = 1'024;

  /// Makes objects by `T()`. Throws: std::bad_alloc; std::invalid_argument for a limit of zero or
  /// above 65,536.
  pool()
    requires std::default_initializable<T>
      : pool([] { return T(); }) {}
  /// Makes objects by `make()`. Throws: the same, and what copying `make` throws; a null function
  /// is std::invalid_argument ("pool: nil function").
  template <class F>
    requires std::is_invocable_r_v<T, std::decay_t<F>&>
  explicit pool(F&& make, std::size_t limit = default_limit)
      : core_(limit), maker_(std::make_unique<maker_of<std::decay_t<F>>>(std::forward<F>(make))) {}
  pool(const pool&) = delete;
  pool& operator=(const pool&) = delete;
  ~pool() {
    core_.expect_nothing_lent();
    trim();
  }

  /// A kept object, or a new one. Throws: what making or moving it throws; the pool is intact then.
  [[nodiscard]] T get()
    requires std::move_constructible<T>
  {
    detail::pool_node* node = core_.take_full();
    if (!node) return maker_->make();
    const leaving out{*this, room::of(node)};
    return std::move(*out.from.object());
  }
  /// Keeps `object` for others, or destroys it if there is no room. Throws: what moving it throws.
  void put(T&& object)
    requires std::move_constructible<T>
  {
    detail::pool_node* node = core_.take_hollow();
    auto r = std::unique_ptr<room>(node ? &room::of(node) : new room);
    ::new (static_cast<void*>(r->bytes)) T(std::move(object));
    destroy_full(core_.put_full(*r.release()));
  }
  /// Lends a kept object, or a new one, until the handle is gone. It is not moved.
  /// Throws: what making it throws, std::bad_alloc.
  [[nodiscard]] pooled<T> borrow() {
    if (detail::pool_node* node = core_.lend()) return pooled<T>(*this, room::of(node));
    struct not_lent {
      detail::pool_core* core;
      ~not_lent() {
        if (core) core->forget_lent();
      }
    } failed{&core_};
    auto r = std::make_unique<room>();
    ::new (static_cast<void*>(r->bytes)) T(maker_->make());
    failed.core = nullptr;
    return pooled<T>(*this, *r.release());
  }

  /// Destroys everything that is kept; what others are taking or putting just then may stay.
  void trim() noexcept {
    const detail::pool_core::contents all = core_.take_all();
    destroy_full(all.full);
    for (detail::pool_node* node = all.hollow; node;)
      delete &room::of(std::exchange(node, node->next));
  }

 private:
  friend class pooled<T>;
  using room = detail::pool_room<T>;

  template <class F>
  struct maker_of final : detail::pool_maker<T> {
    template <class G>
    explicit maker_of(G&& g) : f(std::forward<G>(g)) {
      if constexpr (requires { static_cast<bool>(f == nullptr); })
        if (f == nullptr) throw std::invalid_argument("pool: nil function");
    }
    T make() override { return std::invoke(f); }
    F f;
  };

  /// Whether or not the object could be moved out, its room is free again.
  struct leaving {
    pool& of;
    room& from;
    ~leaving() {
      std::destroy_at(from.object());
      if (!of.core_.put_hollow(from)) delete &from;
    }
  };

  static void destroy_full(detail::pool_node* chain) noexcept {
    while (chain) {
      room& r = room::of(std::exchange(chain, chain->next));
      std::destroy_at(r.object());
      delete &r;
    }
  }

  detail::pool_core core_;
  std::unique_ptr<detail::pool_maker<T>> maker_;
};

template <class F>
pool(F) -> pool<std::decay_t<std::invoke_result_t<F&>>>;
template <class F>
pool(F, std::size_t) -> pool<std::decay_t<std::invoke_result_t<F&>>>;

/// An object that is borrowed from a pool, and goes back when the handle is destroyed. It may be
/// moved to, and destroyed by, another goroutine or thread.
/// Misuse: it must not outlive its pool.
template <class T>
class [[nodiscard]] pooled {
 public:
  pooled() noexcept = default;
  pooled(pooled&& other) noexcept
      : pool_(other.pool_), room_(std::exchange(other.room_, nullptr)) {}
  pooled& operator=(pooled other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(room_, other.room_);
    return *this;
  }
  ~pooled() { give_back(); }

  /// False: moved from, given back, or discarded.
  explicit operator bool() const noexcept { return room_ != nullptr; }
  T& operator*() const noexcept { return *room_->object(); }
  T* operator->() const noexcept { return room_->object(); }

  /// Before the handle is gone.
  void give_back() noexcept {
    if (room_) pool<T>::destroy_full(pool_->core_.put_lent(*std::exchange(room_, nullptr)));
  }
  /// Destroys the object instead: nobody should get it again.
  void discard() noexcept {
    if (!room_) return;
    pool_->core_.forget_lent();
    room_->next = nullptr;
    pool<T>::destroy_full(std::exchange(room_, nullptr));
  }

 private:
  friend class pool<T>;
  pooled(pool<T>& of, detail::pool_room<T>& r) noexcept : pool_(&of), room_(&r) {}

  pool<T>* pool_ = nullptr;
  detail::pool_room<T>* room_ = nullptr;
};

}  // namespace weft
