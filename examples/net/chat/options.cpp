#include "options.hpp"

#include <cstdlib>

#include <CLI/CLI.hpp>

namespace chat {

namespace {

void add_time(CLI::App& app, const char* name, std::chrono::milliseconds& time, const char* text) {
  app.add_option_function<std::uint32_t>(
      name, [&time](std::uint32_t ms) { time = std::chrono::milliseconds(ms); }, text);
}

}  // namespace

std::optional<options> parse_options(int argc, char** argv) {
  options o;
  CLI::App app("A chat for this machine: open the address that it prints in a browser.");
  app.add_option("--port", o.port, "On this machine's loopback address; 0: any that is free");
  app.add_flag("!--no-log", o.log, "No access log");
  app.add_option("--message-bytes", o.message_bytes, "The longest message")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--history", o.room.history, "How many messages newcomers see");
  app.add_option("--outbox", o.room.outbox, "How many messages a client may lag behind")
      ->check(CLI::Range(1, 100'000));
  app.add_option("--rooms", o.room.rooms, "How many rooms there may be")
      ->check(CLI::PositiveNumber);
  app.add_option("--burst", o.burst, "How many messages one may send at once")
      ->check(CLI::PositiveNumber);
  add_time(app, "--pace-ms", o.pace, "After these: one message in this time");
  add_time(app, "--ping-ms", o.ping, "How often clients are asked whether they are there");
  add_time(app, "--silence-ms", o.silence, "How long a client may be silent");
  add_time(app, "--write-ms", o.write, "How long a message may take to go out");
  add_time(app, "--grace-ms", o.http.grace, "How long SIGTERM waits for the last farewells");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (const int status = app.exit(e); status == 0) std::exit(0);  // --help
    return std::nullopt;
  }
  return o;
}

}  // namespace chat
