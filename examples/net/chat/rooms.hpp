// Who is where, and what is said there. A mutex owns each room; nobody waits for a client in it.
//
// Threads:    any.
// Invariants: C1 a seat's outbox gets the welcome first, then every message of its room, in one
//             order that is the same for all, until it is closed.
//             C2 an outbox is bounded: who reads too slowly is sent away, the others go on.
//             C3 who was sent away still counts, until the connection has ended and it leaves.
// Locks:      rooms, then a room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <weft/chan.hpp>
#include <weft/sync/mutex.hpp>

#include "text.hpp"

namespace chat {

/// Why somebody is sent away: the codes of a WebSocket's close.
enum class farewell : std::uint16_t { none = 0, server_ends = 1001, try_later = 1013 };

struct room_limits {
  std::size_t history = 50;   // messages that newcomers see
  std::size_t outbox = 256;   // messages that somebody may lag behind
  std::size_t rooms = 1'000;  // empty ones included, until somebody needs the place
};

class room;

/// One person in a room, until it is destroyed.
class seat {
 public:
  seat(std::shared_ptr<room> where, std::string name, std::size_t outbox);
  seat(const seat&) = delete;
  seat& operator=(const seat&) = delete;
  ~seat() { leave(); }

  /// Tells everybody in the room, oneself included.
  void say(std::string_view what);
  /// The outbox is closed then. Once more: nothing.
  void leave();
  /// To be sent; closed: there is no more, and why() says why.
  weft::recv_chan<text> outbox() const { return outbox_; }
  farewell why() const;

 private:
  friend class room;
  std::shared_ptr<room> room_;
  std::string name_;
  weft::chan<text> outbox_;
  bool open_ = true;  // under the room's mutex, and the next two
  bool present_ = true;
  farewell why_ = farewell::none;
};

class room {
 public:
  room(std::string name, const room_limits& limits) : name_(std::move(name)), limits_(limits) {}

 private:
  friend class seat;
  friend class rooms;
  void enter(seat& who);
  void remove(seat& who);
  void say(const seat& who, std::string_view what);
  void send_all_away(farewell why);
  bool is_empty();

  std::string free_name_locked(const std::string& wanted) const;
  void tell_all_locked(const text& t);
  void send_away_locked(seat& who, farewell why);

  weft::mutex mutex_;
  const std::string name_;
  const room_limits limits_;
  std::vector<seat*> seats_;
  std::deque<text> history_;
};

class rooms {
 public:
  explicit rooms(const room_limits& limits) : limits_(limits) {}

  /// A name that is taken gets a number. Null: no more rooms, or the server ends.
  std::unique_ptr<seat> join(const std::string& room_name, const std::string& name);
  /// Everybody is sent away, nobody comes in.
  void end();

 private:
  std::shared_ptr<room> find_locked(const std::string& name);

  weft::mutex mutex_;
  const room_limits limits_;
  std::map<std::string, std::shared_ptr<room>, std::less<>> rooms_;
  bool ended_ = false;
};

}  // namespace chat
