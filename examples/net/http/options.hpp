// The command line of the HTTP and HTTPS examples.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "listen.hpp"

namespace web {

struct options {
  std::uint16_t port = 0;  // the system chooses one; it is printed
  std::string root;        // files: none
  bool log = true;
  web::limits limits;
  std::string certificate, key;  // https only; made on the fly if they are not given
  std::string write_certificate;
};

/// None: it has said what is wrong.
std::optional<options> parse_options(const std::string& purpose, int argc, char** argv,
                                     bool tls = false);

}  // namespace web
