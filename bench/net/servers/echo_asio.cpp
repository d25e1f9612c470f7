// The echo server with Boost.Asio: callbacks on one io_context, which as many threads run as it may
// use processors. Asio's handlers take their memory from a thread's cache; sockets are concrete
// (no any_io_executor), which is its fastest way.
//
//   echo_asio [--procs N] [--work K]     prints its port, serves until it is killed
#include <array>
#include <boost/asio.hpp>
#include <cstdio>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "process.hpp"
#include "server_options.hpp"

namespace {

namespace asio = boost::asio;
using executor = asio::io_context::executor_type;
using tcp_socket = asio::basic_stream_socket<asio::ip::tcp, executor>;
using tcp_acceptor = asio::basic_socket_acceptor<asio::ip::tcp, executor>;
using net_bench::server_options;

class session : public std::enable_shared_from_this<session> {
 public:
  session(tcp_socket connection, const server_options& o)
      : connection_(std::move(connection)), options_(o) {}

  void read() {
    connection_.async_read_some(
        asio::buffer(buffer_),
        [self = shared_from_this()](const boost::system::error_code& ec, std::size_t n) {
          if (!ec) self->answer(n);
        });
  }

 private:
  void answer(std::size_t n) {
    net_bench::compute(options_.work);
    asio::async_write(
        connection_, asio::buffer(buffer_, n),
        [self = shared_from_this()](const boost::system::error_code& ec, std::size_t) {
          if (!ec) self->read();
        });
  }

  tcp_socket connection_;
  const server_options& options_;
  std::array<char, net_bench::read_size> buffer_;
};

void accept_next(tcp_acceptor& acceptor, const server_options& o) {
  acceptor.async_accept([&](const boost::system::error_code& ec, tcp_socket connection) {
    if (ec) net_bench::fail("accept");
    connection.set_option(asio::ip::tcp::no_delay(true));
    std::make_shared<session>(std::move(connection), o)->read();
    accept_next(acceptor, o);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const server_options o = net_bench::parse_server_options(argc, argv);
  net_bench::allow_many_descriptors();
  asio::io_context context(o.procs);
  const asio::ip::tcp::endpoint anywhere(asio::ip::address_v4::loopback(), 0);
  tcp_acceptor acceptor(context, anywhere);
  acceptor.listen(65'535);
  std::printf("%u\n", static_cast<unsigned>(acceptor.local_endpoint().port()));
  std::fflush(stdout);
  accept_next(acceptor, o);
  std::vector<std::jthread> others;
  for (int i = 1; i < o.procs; ++i) others.emplace_back([&] { context.run(); });
  context.run();
}
