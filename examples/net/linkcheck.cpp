// Finds the broken links of a site. One goroutine for each address; semaphores bound how many are
// asked for at once, contexts how long it takes (crawl/crawler.cpp, client/client.cpp).
//
//   linkcheck --per-host 2 http://localhost:8080/
//
// Ends with 0: no link is broken; 1: some are; 2: it was called wrongly; 124: it took too long;
// 130, 143: interrupted. What was found until then is printed.
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <weft/weft.hpp>

#include "client/client.hpp"
#include "crawl/crawler.hpp"
#include "crawl/report.hpp"
#include "crawl/site.hpp"

struct options {
  std::vector<web::url> first;
  web::client_options http{.agent = "weft-linkcheck"};
  crawl::limits limits;
  std::optional<std::chrono::milliseconds> time;
  bool json = false;
  bool progress = false;
};

void add_time(CLI::App& app, const char* name, auto& time, const char* text) {
  app.add_option_function<double>(
         name,
         [&time](double s) {
           time = std::chrono::milliseconds(static_cast<std::chrono::milliseconds::rep>(s * 1000));
         },
         text)
      ->check(CLI::Range(0.001, 1e9));
}

void add_options(CLI::App& app, options& o, std::vector<std::string>& urls) {
  const CLI::Range count(1, 10'000);
  app.add_option("URL", urls, "Where to begin; links to other sites are only checked")->required();
  app.add_option("--in-all", o.http.in_all, "Requests at once")
      ->check(count)
      ->capture_default_str();
  app.add_option("--per-host", o.http.per_host, "Requests to one host at once")
      ->check(count)
      ->capture_default_str();
  add_time(app, "--timeout", o.http.timeout, "How long one request may take, in seconds (10)");
  add_time(app, "--total-timeout", o.time, "How long all of it may take, in seconds");
  app.add_option("--depth", o.limits.depth, "How many clicks away pages are still read")
      ->check(CLI::Range(0, 1'000'000));
  app.add_option("--max-pages", o.limits.pages, "How many addresses are asked for at most")
      ->capture_default_str();
  app.add_option("--max-bytes", o.limits.bytes, "How many bytes of a page are read")
      ->capture_default_str();
  app.add_option("--max-redirections", o.limits.redirections, "One after another")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  app.add_flag("!--only-here", o.limits.others, "Links to other sites are not checked");
  app.add_option("--ca", o.http.ca_file, "A PEM file with certificates to trust")
      ->check(CLI::ExistingFile);
  app.add_flag("--json", o.json, "The report as JSON");
  app.add_flag("--progress", o.progress, "Says every second on standard error how far it is");
}

/// Throws: CLI::ParseError.
options parse(CLI::App& app, int argc, char** argv) {
  options o;
  std::vector<std::string> urls;
  add_options(app, o, urls);
  app.parse(argc, argv);
  for (const std::string& text : urls) {
    const auto u = web::parse_url(text);
    if (!u) throw CLI::ValidationError("URL", text + " is no http or https address");
    o.first.push_back(*u);
  }
  return o;
}

/// 128 and the number of the signal, as shells have it.
int status_of(const weft::context& interrupted, bool complete, const crawl::report& r) {
  try {
    interrupted.throw_if_cancelled();
  } catch (const weft::signal_received& s) {
    return 128 + s.signal();
  }
  if (!complete) return 124;
  return r.links_broken.empty() ? 0 : 1;
}

int check(const options& o) {
  const auto [interrupted, give_back] = weft::notify_context(weft::background(), {SIGINT, SIGTERM});
  const auto [ctx, cancel] =
      weft::with_timeout(interrupted, o.time.value_or(std::chrono::milliseconds::max()));
  web::client http(o.http);
  crawl::site site(o.limits);
  for (const web::url& each : o.first) site.begin_at(each);
  const bool complete = crawl::crawl_site(ctx, http, site, [&](crawl::progress now) {
    if (o.progress) std::cerr << now.done << " checked, " << now.waiting << " to go\n";
  });
  cancel();

  crawl::report r = crawl::make_report(site);
  if (!complete) r.ended = interrupted.cancelled() ? "interrupted" : "the time is over";
  (o.json ? crawl::print_json : crawl::print_text)(r, std::cout);
  const int status = status_of(interrupted, complete, r);
  give_back();
  return std::cout.flush() ? status : 2;
}

int main(int argc, char** argv) {
  CLI::App app("Finds the broken links of a site.");
  try {
    const options o = parse(app, argc, argv);
    return weft::run([&] { return check(o); });
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  } catch (const std::exception& e) {
    std::cerr << "linkcheck: " << e.what() << '\n';
    return 2;
  }
}
