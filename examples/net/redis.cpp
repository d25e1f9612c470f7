// A library for another kind of program: hiredis, the C client of Redis, with goroutines. See
// redis/link.hpp for how it is made to park, redis/client.hpp for what that gives.
//
//   redis/run PROGRAM                starts a server of its own, and stops it
//   redis ADDRESS:PORT               with one that runs (the path of a Unix socket is fine, too);
//                                    keys that begin with "weft:" are overwritten
//   redis ADDRESS:PORT endure        until the server goes away
#include <chrono>
#include <csignal>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>

#include <weft/weft.hpp>

#include "redis/client.hpp"

using namespace std::chrono_literals;

void check(bool right, const char* what) {
  if (!right) throw std::runtime_error(std::string("that was wrong: ") + what);
}

/// A hundred goroutines, one connection.
void count_together(redis::client& db) {
  db("SET", "weft:counter", "0");
  weft::task_group counting;
  for (int i = 0; i < 100; ++i) {
    counting.go([&](const weft::context& ctx) {
      for (int k = 0; k < 100; ++k) db.command(ctx, "INCR", "weft:counter");
    });
  }
  counting.wait();
  const redis::reply count = db("GET", "weft:counter");
  std::cout << "100 goroutines have counted to " << redis::text_of(*count) << '\n';
}

/// What is published comes out of a channel.
void publish_and_receive(redis::client& db, const std::string& where) {
  constexpr int count = 1000;
  const redis::subscription news(weft::background(), where, "weft:news");
  weft::task_group publishing;
  publishing.go([&](const weft::context& ctx) {
    for (int i = 0; i < count; ++i) db.command(ctx, "PUBLISH", "weft:news", std::to_string(i));
  });
  int next = 0;
  for (const redis::message& m : news.messages()) {
    check(m.channel == "weft:news" && m.text == std::to_string(next), "a message");
    if (++next == count) break;
  }
  publishing.wait();
  std::cout << next << " messages came, in their order\n";
}

/// A command that waits at the server has a client of its own; the others go on.
void hand_out_jobs(redis::client& db, const std::string& where) {
  db("DEL", "weft:jobs");
  int sum = 0;
  weft::task_group working;
  working.go([&](const weft::context& ctx) {
    redis::client worker(ctx, where);
    for (;;) {
      const redis::reply job = worker.command(ctx, "BLPOP", "weft:jobs", "0");
      const std::string text(redis::text_of(*job->element[1]));
      if (text == "stop") return;
      sum += std::stoi(text);
    }
  });
  for (int i = 0; i < 10; ++i) db("RPUSH", "weft:jobs", std::to_string(i));
  db("RPUSH", "weft:jobs", "stop");
  working.wait();
  std::cout << "the sum of the jobs is " << sum << '\n';
}

/// A time-out is a context's, as everywhere. Who has given up closes that client: the server still
/// has the command.
void wait_in_vain(redis::client& db, const std::string& where) {
  db("DEL", "weft:nothing");
  const weft::chan<void> given_up;
  weft::task_group waiting;
  waiting.go([&] {
    const weft::defer tell([&] { given_up.close(); });
    redis::client patient(weft::background(), where);
    const auto [ctx, cancel] = weft::with_timeout(weft::background(), 200ms);
    try {
      patient.command(ctx, "BLPOP", "weft:nothing", "0");
    } catch (const weft::context_deadline_exceeded& e) {
      std::cout << "nothing to pop: " << e.what() << '\n';
    }
  });
  int meanwhile = 0;
  while (given_up.try_recv().status() == weft::channel_status::would_block) {
    db("INCR", "weft:counter");
    ++meanwhile;
  }
  waiting.wait();
  check(meanwhile > 0, "the others");
  std::cout << "others were served meanwhile\n";
}

void refuse(redis::client& db) {
  db("SET", "weft:text", "no number");
  try {
    db("INCR", "weft:text");
  } catch (const redis::error& e) {
    std::cout << "refused: " << e.what() << '\n';
  }
}

/// Everything that waits ends when the server does.
void endure(const std::string& where) {
  redis::client db(weft::background(), where);
  redis::client patient(weft::background(), where);
  const redis::subscription news(weft::background(), where, "weft:never");
  const weft::chan<std::string> ends;
  const weft::wait_group goroutines;
  const auto run = [&](auto what) {
    goroutines.go([&ends, what] {
      try {
        what();
      } catch (const redis::error& e) {
        ends.send(e.what());
      }
    });
  };
  for (int i = 0; i < 10; ++i) {
    run([&] {
      for (;;) db("INCR", "weft:counter");
    });
  }
  run([&] { patient("BLPOP", "weft:never", "0"); });
  run([&] {
    while (news.messages().recv()) {
    }
    throw redis::error(news.why());
  });
  std::cout << "enduring" << std::endl;
  for (int i = 0; i < 12; ++i) std::cout << "ended: " << *ends.recv() << '\n';
  goroutines.wait();
}

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "redis ADDRESS:PORT|PATH [endure]\n";
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);  // hiredis does not keep it away
  const std::string where = argv[1];
  try {
    if (argc > 2 && argv[2] == std::string_view("endure")) {
      endure(where);
      return 0;
    }
    redis::client db(weft::background(), where);
    count_together(db);
    publish_and_receive(db, where);
    hand_out_jobs(db, where);
    wait_in_vain(db, where);
    refuse(db);
  } catch (const std::exception& e) {
    std::cerr << where << ": " << e.what() << '\n';
    return 1;
  }
}
