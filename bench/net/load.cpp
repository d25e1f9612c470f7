// Loads an echo server, and prints what it saw as one line of JSON.
//
//   load --port P [--pid SERVER] [--connections N] [--seconds S] [--warm-up S] [--spin]
//   load --port P ... --rate R      an open loop of R messages a second (see client.hpp)
//   load --port P --pid SERVER --idle [--connections N] [--seconds S]
//        connections that do nothing: the memory and CPU time that the server spends on them
//
// With --pid, the part of the measured time that the server had a CPU is printed, too. Where each
// has one for itself, the one that is not busy all the time had to wait for the other.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "client.hpp"
#include "process.hpp"

namespace {

using net_bench::client;
using net_bench::histogram;
using net_bench::now_ns;
using net_bench::watched;

struct options {
  net_bench::client_options client;
  int pid = 0;
  double seconds = 3;
  double warm_up = 0.5;
  bool idle = false;
};

[[noreturn]] void usage() {
  std::fputs(
      "usage: load --port P [--pid SERVER] [--connections N] [--seconds S] [--warm-up S]"
      " [--rate R] [--spin] [--idle]\n",
      stderr);
  std::exit(2);
}

bool set_number(options& o, std::string_view name, double value) {
  if (name == "--port")
    o.client.port = static_cast<std::uint16_t>(value);
  else if (name == "--connections")
    o.client.connections = static_cast<int>(value);
  else if (name == "--rate")
    o.client.rate = value;
  else if (name == "--pid")
    o.pid = static_cast<int>(value);
  else if (name == "--seconds")
    o.seconds = value;
  else if (name == "--warm-up")
    o.warm_up = value;
  else
    return false;
  return true;
}

options parse(int argc, char** argv) {
  options o;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--spin")
      o.client.spin = true;
    else if (name == "--idle")
      o.idle = true;
    else if (++i == argc || !set_number(o, name, std::atof(argv[i])))
      usage();
  }
  if (o.client.port == 0 || o.client.connections < 1 || (o.idle && o.pid == 0)) usage();
  return o;
}

std::int64_t in_ns(double seconds) { return static_cast<std::int64_t>(seconds * 1e9); }
void rest(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

int measure_load(const options& o) {
  const watched server(o.pid);
  const watched self(static_cast<int>(::getpid()));
  client c(o.client);
  c.run_until(now_ns() + in_ns(o.warm_up));
  c.forget();
  const std::int64_t server_before = server.cpu_ns();
  const std::int64_t self_before = self.cpu_ns();
  const std::int64_t begin = now_ns();
  c.run_until(begin + in_ns(o.seconds));
  const double ns = static_cast<double>(now_ns() - begin);
  const std::int64_t server_cpu = server.cpu_ns() - server_before;
  const std::int64_t self_cpu = self.cpu_ns() - self_before;
  const histogram& h = c.latencies();
  std::printf("{\"connections\": %d, \"seconds\": %.4f, \"messages\": %llu, \"rate\": %.1f",
              o.client.connections, ns / 1e9, static_cast<unsigned long long>(h.count()),
              static_cast<double>(h.count()) * 1e9 / ns);
  std::printf(", \"p50_us\": %.3f, \"p90_us\": %.3f, \"p99_us\": %.3f, \"p999_us\": %.3f",
              h.quantile_ns(0.5) / 1e3, h.quantile_ns(0.9) / 1e3, h.quantile_ns(0.99) / 1e3,
              h.quantile_ns(0.999) / 1e3);
  std::printf(", \"max_us\": %.1f, \"unanswered\": %zu", static_cast<double>(h.max_ns()) / 1e3,
              c.unanswered());
  const std::int64_t busy = std::max<std::int64_t>(self_cpu - c.idle_ns(), 0);
  std::printf(", \"server_busy\": %.4f, \"load_busy\": %.4f}\n",
              static_cast<double>(server_cpu) / ns, static_cast<double>(busy) / ns);
  return h.count() > 0 ? 0 : 1;
}

int measure_idle(const options& o) {
  constexpr double settle = 0.5;
  const watched server(o.pid);
  { const client first({.port = o.client.port}); }  // what the server makes once is not counted
  rest(settle);
  const std::int64_t resident = server.status_bytes("VmRSS");
  const std::int64_t tables = server.status_bytes("VmPTE");
  const client crowd(o.client);
  rest(settle);
  const std::int64_t cpu = server.cpu_ns();
  rest(o.seconds);
  const double each = o.client.connections;
  std::printf("{\"connections\": %d, \"seconds\": %.1f, \"resident_each\": %.1f",
              o.client.connections, o.seconds,
              static_cast<double>(server.status_bytes("VmRSS") - resident) / each);
  std::printf(", \"page_tables_each\": %.1f, \"cpu_ms\": %.3f}\n",
              static_cast<double>(server.status_bytes("VmPTE") - tables) / each,
              static_cast<double>(server.cpu_ns() - cpu) / 1e6);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const options o = parse(argc, argv);
  net_bench::allow_many_descriptors();
  return o.idle ? measure_idle(o) : measure_load(o);
}
