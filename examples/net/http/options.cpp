#include "options.hpp"

#include <chrono>

#include <CLI/CLI.hpp>

namespace web {

namespace {

void add_time(CLI::App& app, const char* name, std::chrono::milliseconds& time, const char* text) {
  app.add_option_function<std::uint32_t>(
      name, [&time](std::uint32_t ms) { time = std::chrono::milliseconds(ms); }, text);
}

}  // namespace

std::optional<options> parse_options(const std::string& purpose, int argc, char** argv, bool tls) {
  options o;
  CLI::App app(purpose);
  app.add_option("--port", o.port, "On this machine's loopback address; 0: any that is free");
  app.add_option("--root", o.root, "A folder whose files are served below /files/");
  app.add_flag("!--no-log", o.log, "No access log");
  app.add_option("--header-bytes", o.limits.header_bytes, "The largest header");
  app.add_option("--body-bytes", o.limits.body_bytes, "The largest body of a request");
  add_time(app, "--idle-ms", o.limits.idle, "How long a connection may wait for a request");
  add_time(app, "--request-ms", o.limits.request, "How long a request may take to arrive");
  add_time(app, "--response-ms", o.limits.response, "How long 256 KiB of a response may take");
  add_time(app, "--grace-ms", o.limits.grace, "How long SIGTERM waits for requests in progress");
  if (tls) {
    auto* certificate = app.add_option("--certificate", o.certificate, "A PEM file (chain)");
    auto* key = app.add_option("--key", o.key, "Its private key, a PEM file");
    certificate->needs(key);
    key->needs(certificate);
    app.add_option("--write-certificate", o.write_certificate,
                   "Where to put the certificate that is made if none is given");
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (const int status = app.exit(e); status == 0) std::exit(0);  // --help
    return std::nullopt;
  }
  return o;
}

}  // namespace web
