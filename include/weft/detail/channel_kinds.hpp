// The compiled halves of the channel kinds beside chan<T>.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <weft/detail/channel_core.hpp>

namespace weft::detail {

/// A send never waits. Throws: std::bad_alloc.
channel_core* growing_channel_make(const element_ops& ops);
/// Its send closes it. Throws: std::bad_alloc.
channel_core* one_value_channel_make(const element_ops& ops);

/// One value goes to every subscriber, each with a channel of its own.
class fan_out_core;

struct fan_out_ops {
  const element_ops& element;
  /// Constructs an element from the caller's value; may throw.
  void (*copy)(void* to, const void* value);
};

template <class T>
inline constexpr fan_out_ops fan_out_ops_of{ops_of<stored<T>>, [](void* to, const void* value) {
                                              const T& from = *static_cast<const T*>(value);
                                              if constexpr (travels_boxed<T>)
                                                ::new (to) stored<T>{std::make_unique<T>(from)};
                                              else
                                                ::new (to) stored<T>(from);
                                            }};

/// Throws: std::bad_alloc.
fan_out_core* fan_out_make(const fan_out_ops& ops, std::size_t capacity);
void fan_out_retain(fan_out_core* f) noexcept;
void fan_out_release(fan_out_core* f) noexcept;

/// Gives every subscriber a copy of *value. `latest` (or null) becomes the value that new ones get
/// first. False: it is closed. Throws: what copying throws, std::bad_alloc; nobody got it then.
bool fan_out_send(fan_out_core* f, const void* value, std::shared_ptr<const void> latest);
/// Throws: closed_channel.
void fan_out_close(fan_out_core* f);
std::shared_ptr<const void> fan_out_latest(fan_out_core* f) noexcept;
/// A new subscriber's channel, with one reference. Throws: std::bad_alloc, what copying throws.
channel_core* fan_out_subscribe(fan_out_core* f);
std::size_t fan_out_subscribers(fan_out_core* f) noexcept;
std::size_t fan_out_capacity(fan_out_core* f) noexcept;
/// Values that a subscriber lost because it was too slow.
std::uint64_t subscriber_missed(channel_core* c) noexcept;

}  // namespace weft::detail
