// A random program of senders, receivers and mixers over several channels, and the books that say
// afterwards whether every value that was sent arrived exactly once and in order.
//
// Every channel has one faithful receiver that stays until the channel is closed and drained, so a
// send always ends; everybody else comes and goes. Every attempt to send uses a sequence number of
// its own, so a value whose send failed is recognised if it arrives all the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "support.hpp"

namespace stress {

struct label {
  std::uint32_t sender = 0;
  std::uint32_t sequence = 0;
};

/// How a label travels: as it is, owned by a move-only handle, or in a type whose move may throw.
struct by_value {
  using type = label;
  static type pack(label l) { return l; }
  static label unpack(const type& v) { return v; }
};
struct move_only {
  using type = std::unique_ptr<label>;
  static type pack(label l) { return std::make_unique<label>(l); }
  static label unpack(const type& v) { return v ? *v : label{~0U, ~0U}; }
};
struct boxed_label {
  explicit boxed_label(label l) : held(std::make_shared<label>(l)) {}
  boxed_label(const boxed_label&) = default;
  boxed_label(boxed_label&& other) noexcept(false) : held(std::move(other.held)) {}
  boxed_label& operator=(const boxed_label&) = default;
  boxed_label& operator=(boxed_label&& other) noexcept(false) {
    held = std::move(other.held);
    return *this;
  }
  ~boxed_label() = default;
  std::shared_ptr<label> held;
};
struct throwing_move {
  using type = boxed_label;
  static type pack(label l) { return boxed_label(l); }
  static label unpack(const type& v) { return v.held ? *v.held : label{~0U, ~0U}; }
};

struct exchange_options {
  std::uint64_t seed = 0;
  std::size_t channels = 3;
  std::size_t senders = 4;
  std::size_t roamers = 3;          // receivers that come and go
  std::size_t mixers = 2;           // send and receive in the same select
  std::size_t attempts = 300;       // by each sender and mixer
  std::size_t thread_percent = 25;  // of the participants; the others are goroutines
  bool cancel = false;              // a done channel is closed in the middle
  bool close_early = false;         // channels are closed under the senders' hands
};

/// Options drawn from a seed.
exchange_options random_options(std::uint64_t seed);

/// What one participant did, in its own order; read by others only after it has been joined.
struct journal {
  struct entry {
    label what;
    std::size_t channel;
  };
  std::vector<entry> sent;
  std::vector<entry> received;
};

/// Compares all journals: exactly once, on the right channel, in order per sender and channel.
void check_journals(const std::vector<journal>& journals, std::size_t channels);

template <class Carrier>
void run_exchange(const exchange_options& options);

extern template void run_exchange<by_value>(const exchange_options&);
extern template void run_exchange<move_only>(const exchange_options&);
extern template void run_exchange<throwing_move>(const exchange_options&);

}  // namespace stress
