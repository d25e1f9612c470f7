// The command line of the chat.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "../http/listen.hpp"
#include "rooms.hpp"

namespace chat {

struct options {
  std::uint16_t port = 0;  // the system chooses one; it is printed
  bool log = true;
  web::limits http;
  room_limits room;
  std::size_t message_bytes = 4096;
  /// How many messages somebody may send at once, and how often later ones are taken.
  unsigned burst = 30;
  std::chrono::milliseconds pace{100};
  /// Whoever is silent is asked (ping) this often, and has left after `silence`.
  std::chrono::milliseconds ping{20'000}, silence{50'000};
  /// For one message to go out, and for a close to be answered.
  std::chrono::milliseconds write{10'000}, farewell{2'000};
};

/// None: it has said what is wrong.
std::optional<options> parse_options(int argc, char** argv);

}  // namespace chat
