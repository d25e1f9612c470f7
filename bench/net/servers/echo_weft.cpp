// The echo server with weft: one goroutine for each connection, plain sequential code.
//
//   echo_weft [--procs N] [--work K]     prints its port, serves until it is killed
//
// `--work` computes K thousand steps before each answer: a server that has something to do.
#include <weft/net/tcp.hpp>

#include <array>
#include <cstdio>
#include <span>

#include <weft/weft.hpp>

#include "process.hpp"
#include "server_options.hpp"

namespace {

using net_bench::server_options;

void serve(weft::net::tcp_stream& connection, const server_options& o) {
  std::array<char, net_bench::read_size> buffer;
  std::error_code ec;
  for (;;) {
    const std::size_t n = connection.read_some(std::span(buffer), ec);
    if (ec) return;
    net_bench::compute(o.work);
    connection.write(std::span(buffer).first(n), ec);
    if (ec) return;
  }
}

void serve_all(const server_options& o) {
  weft::net::tcp_listener listener(weft::net::address::loopback());
  std::printf("%u\n", static_cast<unsigned>(listener.local_address().port()));
  std::fflush(stdout);
  for (;;) {
    weft::go([connection = listener.accept(), &o]() mutable { serve(connection, o); });
  }
}

}  // namespace

int main(int argc, char** argv) {
  const server_options o = net_bench::parse_server_options(argc, argv);
  net_bench::allow_many_descriptors();
  weft::set_max_procs(o.procs);
  weft::run([&o] { serve_all(o); });
}
