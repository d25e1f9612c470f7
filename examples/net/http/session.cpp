#include "session.hpp"

#include <chrono>
#include <span>
#include <system_error>

namespace web {

bool body_end_is_known(const request& r) {
  const auto codings = r.count(http::field::transfer_encoding);
  return codings == 0 ||
         (codings == 1 && beast::iequals(r[http::field::transfer_encoding], "chunked"));
}

http::status refusal(const error_code& ec) {
  if (ec == asio::error::timed_out) return http::status::request_timeout;
  if (ec == http::error::header_limit || ec == http::error::buffer_overflow)
    return http::status::request_header_fields_too_large;
  if (ec == http::error::body_limit) return http::status::payload_too_large;
  if (ec == http::error::end_of_stream) return http::status::unknown;
  static const error_code any = http::error::bad_method;
  return ec.category() == any.category() ? http::status::bad_request : http::status::unknown;
}

void linger(connections::entry& entry) {
  constexpr std::chrono::seconds time(1);
  constexpr std::size_t bytes = 1024 * 1024;
  entry.work(time);
  std::error_code ec;
  entry.stream().close_write(ec);
  std::array<char, 4096> dropped;
  for (std::size_t read = 0; read < bytes && !ec;)
    read += entry.stream().read_some(std::span(dropped), ec);
}

}  // namespace web
