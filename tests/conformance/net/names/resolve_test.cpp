// Names and their addresses, against a name server of the test's own.
#include <weft/net/resolve.hpp>

#include <netdb.h>

#include <algorithm>
#include <stop_token>
#include <string>
#include <system_error>
#include <vector>

#include <weft/io/error.hpp>

#include "dns_server.hpp"
#include "weft_test.hpp"

namespace {

using namespace std::chrono_literals;
using weft::net::address;
using weft::net::resolve_errc;
using weft::net::resolve_options;
using weft::net::resolver;
using weft_test::dns_server;
using weft_test::everywhere;
using weft_test::on_goroutine;

using resolve = weft_test::fixture;

using texts = std::vector<std::string>;

texts texts_of(const std::vector<address>& all) {
  texts made;
  for (const address& each : all) made.push_back(each.to_string());
  return made;
}

/// What a look-up that must fail fails with.
std::error_code error_of(const resolver& names, const std::string& host,
                         const weft::net::service& port = 80, const resolve_options& options = {}) {
  std::error_code ec;
  EXPECT_TRUE(names.resolve(host, port, options, ec).empty());
  return ec;
}

bool has_ipv6() {
  std::error_code ec;
  try {
    weft::net::tcp_listener listener(address::parse("[::1]:0"));
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

TEST_F(resolve, does_not_look_up_what_is_an_address) {
  everywhere([] {
    const dns_server server;
    const resolver asking = server.resolver();
    for (const resolver& names : {asking, resolver()}) {
      EXPECT_EQ(texts_of(names.resolve("127.0.0.1", 80)), texts{"127.0.0.1:80"});
      EXPECT_EQ(texts_of(names.resolve("::1", "443")), texts{"[::1]:443"});
      EXPECT_EQ(texts_of(names.resolve("192.0.2.7", "")), texts{"192.0.2.7:0"});
    }
    EXPECT_EQ(server.questions(), 0);
  });
}

TEST_F(resolve, finds_this_machine_as_localhost) {
  everywhere([] {
    const std::vector<address> found = weft::net::resolve("localhost", 8080);
    ASSERT_FALSE(found.empty());
    for (const address& each : found) {
      EXPECT_TRUE(each.is_loopback()) << each.to_string();
      EXPECT_EQ(each.port(), 8080);
    }
    EXPECT_EQ(texts_of(weft::net::resolve("localhost", 1, {.only = address::family::ipv4})),
              texts{"127.0.0.1:1"});
  });
}

TEST_F(resolve, asks_no_server_about_localhost) {
  everywhere([] {
    const dns_server server;
    const texts both = {"[::1]:1", "127.0.0.1:1"};
    for (const char* name : {"localhost", "LocalHost", "localhost.", "a.localhost"})
      EXPECT_EQ(texts_of(server.resolver().resolve(name, 1)), both) << name;
    EXPECT_EQ(server.questions(), 0);
    EXPECT_EQ(error_of(server.resolver(), "notlocalhost"), resolve_errc::host_not_found);
    EXPECT_GT(server.questions(), 0);
  });
}

TEST_F(resolve, gives_every_address_of_both_families_once) {
  everywhere([] {
    dns_server server;
    server.add("many.test",
               {"127.0.0.3", "[2001:db8::1]", "127.0.0.2", "[2001:db8::2]", "127.0.0.3"});
    const resolver names = server.resolver();
    const texts ipv6 = {"[2001:db8::1]:80", "[2001:db8::2]:80"};
    const texts ipv4 = {"127.0.0.3:80", "127.0.0.2:80"};
    texts both = ipv6;
    both.insert(both.end(), ipv4.begin(), ipv4.end());
    EXPECT_EQ(texts_of(names.resolve("many.test", 80)), both);
    EXPECT_EQ(texts_of(names.resolve("many.test", 80, {.only = address::family::ipv4})), ipv4);
    EXPECT_EQ(texts_of(names.resolve("many.test", 80, {.only = address::family::ipv6})), ipv6);
  });
}

TEST_F(resolve, of_a_name_with_one_family_gives_that) {
  everywhere([] {
    dns_server server;
    server.add("four.test", {"127.0.0.1"});
    server.add("six.test", {"[::1]"});
    const resolver names = server.resolver();
    EXPECT_EQ(texts_of(names.resolve("four.test", 1)), texts{"127.0.0.1:1"});
    EXPECT_EQ(texts_of(names.resolve("six.test", 1)), texts{"[::1]:1"});
    EXPECT_EQ(error_of(names, "six.test", 1, {.only = address::family::ipv4}),
              resolve_errc::no_address);
    EXPECT_EQ(error_of(names, "127.0.0.1", 1, {.only = address::family::ipv6}),
              resolve_errc::no_address);
  });
}

TEST_F(resolve, follows_an_alias) {
  everywhere([] {
    dns_server server;
    server.put("alias.test", {.addresses = {address::loopback()}, .has_alias = true});
    EXPECT_EQ(texts_of(server.resolver().resolve("alias.test", 5)), texts{"127.0.0.1:5"});
  });
}

TEST_F(resolve, tells_a_name_that_is_not_from_one_without_addresses) {
  everywhere([] {
    dns_server server;
    server.add("empty.test", texts());
    EXPECT_EQ(error_of(server.resolver(), "no.test"), resolve_errc::host_not_found);
    EXPECT_EQ(error_of(server.resolver(), "empty.test"), resolve_errc::no_address);
  });
}

TEST_F(resolve, says_what_it_looked_for_when_it_throws) {
  everywhere([] {
    const dns_server server;
    const std::string what = weft_test::what_thrown<std::system_error>(
        [&] { static_cast<void>(server.resolver().resolve("no.test", 80)); });
    EXPECT_EQ(what, "lookup no.test: no such host");
  });
}

TEST_F(resolve, refuses_what_cannot_be_a_name) {
  everywhere([] {
    const dns_server server;
    const resolver asking = server.resolver();
    for (const resolver& names : {asking, resolver()}) {
      EXPECT_EQ(error_of(names, ""), resolve_errc::host_not_found);
      EXPECT_EQ(error_of(names, std::string(300, 'a')), resolve_errc::host_not_found);
      EXPECT_EQ(error_of(names, std::string("a\0b", 3)), std::errc::invalid_argument);
    }
    EXPECT_TRUE(error_of(asking, std::string(70, 'a') + ".test"));
    EXPECT_TRUE(error_of(asking, "a..test"));
    EXPECT_EQ(server.questions(), 0);
  });
}

TEST_F(resolve, finds_the_port_of_a_service) {
  if (!::getservbyname("http", nullptr)) GTEST_SKIP() << "this system knows no services";
  everywhere([] {
    dns_server server;
    server.add("web.test", {"127.0.0.1"});
    EXPECT_EQ(texts_of(server.resolver().resolve("web.test", "http")), texts{"127.0.0.1:80"});
    EXPECT_EQ(texts_of(weft::net::resolve("127.0.0.1", "domain")), texts{"127.0.0.1:53"});
    EXPECT_EQ(texts_of(weft::net::resolve("::1", std::string("ntp"))), texts{"[::1]:123"});
  });
}

TEST_F(resolve, refuses_what_is_no_port) {
  everywhere([] {
    for (const char* port : {"no-such-service", "65536", "-1", "+80", " 80", "80 ", "0x50"})
      EXPECT_EQ(error_of(resolver(), "127.0.0.1", port), resolve_errc::service_not_found) << port;
  });
  EXPECT_THROW(weft::net::service(65'536), std::out_of_range);
  EXPECT_THROW(weft::net::service(-1), std::out_of_range);
  EXPECT_THROW(weft::net::service(std::int64_t{1} << 32), std::out_of_range);
  EXPECT_EQ(weft::net::service(65'535).port(), 65'535);
}

TEST_F(resolve, goes_on_by_tcp_where_an_answer_is_too_long) {
  everywhere([] {
    dns_server server;
    weft_test::dns_entry entry{.by_tcp = true};
    texts expected;
    for (int i = 1; i <= 100; ++i) {
      const std::string host = "127.0.1." + std::to_string(i);
      entry.addresses.push_back(address::parse(host + ":0"));
      expected.push_back(host + ":9");
    }
    server.put("long.test", entry);
    EXPECT_EQ(texts_of(server.resolver().resolve("long.test", 9)), expected);
    EXPECT_EQ(server.questions_by_tcp(), 2);
  });
}

TEST_F(resolve, asks_the_next_server_when_one_fails) {
  everywhere([] {
    dns_server failing, refusing, knowing;
    failing.put("a.test", {.code = 2});
    refusing.put("a.test", {.code = 5});
    knowing.add("a.test", {"127.0.0.1"});
    address nobody;
    {
      const dns_server gone;
      nobody = gone.at();
    }
    const resolver names({.servers = {failing.at(), nobody, refusing.at(), knowing.at()}});
    EXPECT_EQ(texts_of(names.resolve("a.test", 1)), texts{"127.0.0.1:1"});
    EXPECT_GT(failing.questions(), 0);
    EXPECT_GT(refusing.questions(), 0);
  });
}

TEST_F(resolve, believes_the_first_server_that_says_no) {
  everywhere([] {
    const dns_server first;
    dns_server second;
    second.add("a.test", {"127.0.0.1"});
    EXPECT_EQ(error_of(resolver({.servers = {first.at(), second.at()}}), "a.test"),
              resolve_errc::host_not_found);
    EXPECT_EQ(second.questions(), 0);
  });
}

TEST_F(resolve, ends_as_a_temporary_failure_when_no_server_answers) {
  everywhere([] {
    dns_server server;
    server.put("a.test", {.code = 2});
    const resolver names({.servers = {server.at()}, .attempts = 3});
    const std::error_code ec = error_of(names, "a.test", 1, {.only = address::family::ipv4});
    EXPECT_EQ(ec, resolve_errc::temporary_failure);
    EXPECT_EQ(ec, std::errc::resource_unavailable_try_again);
    EXPECT_EQ(server.questions(), 3);
  });
}

TEST_F(resolve, gives_a_silent_server_its_time_and_no_more) {
  dns_server server;
  server.hold();
  const resolver names({.servers = {server.at()}, .timeout = 1s, .attempts = 1});
  EXPECT_EQ(error_of(names, "a.test"), resolve_errc::temporary_failure);
  EXPECT_EQ(server.questions(), 2);
}

TEST_F(resolve, survives_an_answer_that_is_cut_off) {
  everywhere([] {
    dns_server server;
    server.put("cut.test",
               {.addresses = {address::parse("127.0.0.1:0"), address::parse("127.0.0.2:0")},
                .cut_off = true});
    const resolver names({.servers = {server.at()}, .timeout = 1s, .attempts = 1});
    std::error_code ec;
    const texts found = texts_of(names.resolve("cut.test", 1, {.only = address::family::ipv4}, ec));
    if (ec)
      EXPECT_TRUE(found.empty());
    else
      EXPECT_EQ(found, texts{"127.0.0.1:1"});
  });
}

TEST_F(resolve, asks_a_server_by_ipv6) {
  if (!has_ipv6()) GTEST_SKIP() << "this machine has no IPv6";
  everywhere([] {
    dns_server server("[::1]");
    server.add("six.test", {"[::1]"});
    EXPECT_EQ(texts_of(server.resolver().resolve("six.test", 1)), texts{"[::1]:1"});
    EXPECT_EQ(error_of(server.resolver(), "no.test"), resolve_errc::host_not_found);
  });
}

TEST_F(resolve, ends_in_time_though_the_system_goes_on) {
  everywhere([] {
    dns_server server;
    server.hold();
    EXPECT_EQ(error_of(server.resolver(), "a.test", 1, {.timeout = 5ms}), weft::io_errc::timeout);
    EXPECT_TRUE(server.settle());
  });
}

TEST_F(resolve, asks_nobody_when_the_time_is_over_before_it_begins) {
  everywhere([] {
    const dns_server server;
    EXPECT_EQ(error_of(server.resolver(), "a.test", 1, {.timeout = -1s}), weft::io_errc::timeout);
    EXPECT_EQ(error_of(server.resolver(), "a.test", 1, {.timeout = 0s}), weft::io_errc::timeout);
    EXPECT_EQ(server.questions(), 0);
  });
}

TEST_F(resolve, ends_when_it_is_cancelled) {
  everywhere([] {
    dns_server server;
    server.hold();
    const auto [ctx, cancel] = weft::with_cancel(weft::background());
    std::stop_source stop;
    const weft::wait_group wg;
    const auto expect_canceled = [&server](const auto& by) {
      std::error_code ec;
      EXPECT_TRUE(server.resolver().resolve(by, "a.test", 1, {}, ec).empty());
      EXPECT_EQ(ec, std::errc::operation_canceled);
    };
    wg.go([&, ctx = ctx] { expect_canceled(ctx); });
    wg.go([&, token = stop.get_token()] { expect_canceled(token); });
    ASSERT_TRUE(weft_test::eventually([&] { return server.questions() == 4; }));
    cancel();
    stop.request_stop();
    wg.wait();
    EXPECT_TRUE(server.settle());
    expect_canceled(ctx);  // and at once if it was before
    EXPECT_EQ(server.questions(), 4);
    const std::string what = weft_test::what_thrown<std::system_error>(
        [&, ctx = ctx] { static_cast<void>(weft::net::resolve(ctx, "127.0.0.1", 80)); });
    EXPECT_NE(what, "");
  });
}

TEST_F(resolve, with_a_bound_that_does_not_matter_finds_the_same) {
  everywhere([] {
    dns_server server;
    server.add("a.test", {"127.0.0.1"});
    const auto [ctx, cancel] = weft::with_cancel(weft::background());
    EXPECT_EQ(texts_of(server.resolver().resolve(ctx, "a.test", 1, {.timeout = 1h})),
              texts{"127.0.0.1:1"});
    EXPECT_FALSE(weft::net::resolve(ctx, "localhost", 1).empty());
  });
}

TEST_F(resolve, holds_nobody_up_while_it_waits) {
  on_goroutine([] {
    dns_server server;
    server.add("a.test", {"127.0.0.1"});
    server.hold();
    const weft::wait_group wg;
    for (int i = 0; i < 8; ++i)
      wg.go([&] {
        EXPECT_EQ(texts_of(server.resolver().resolve("a.test", 1)), texts{"127.0.0.1:1"});
      });
    ASSERT_TRUE(weft_test::eventually([&] { return server.questions() == 16; }));
    const weft::chan<int> there, back;
    wg.go([=] {
      for (int i : there) back.send(i);
      back.close();
    });
    for (int i = 0; i < 1000; ++i) {
      there.send(i);
      EXPECT_EQ(back.recv(), i);
    }
    there.close();
    server.release();
    wg.wait();
  });
}

TEST_F(resolve, of_more_names_at_once_than_there_are_threads_for) {
  everywhere([] {
    constexpr int count = 150;
    dns_server server;
    for (int i = 0; i < count; ++i)
      server.add("n" + std::to_string(i) + ".test", {"127.0.2." + std::to_string(i)});
    const weft::wait_group wg;
    for (int i = 0; i < count; ++i)
      wg.go([&server, i] {
        const std::string n = std::to_string(i);
        EXPECT_EQ(texts_of(server.resolver().resolve("n" + n + ".test", i)),
                  texts{"127.0.2." + n + ":" + n});
      });
    wg.wait();
  });
}

TEST_F(resolve, waits_for_its_turn_no_longer_than_it_may) {
  on_goroutine([] {
    constexpr int at_once_max = 64;
    dns_server server;
    server.add("a.test", {"127.0.0.1"});
    server.hold();
    const weft::wait_group wg;
    for (int i = 0; i < at_once_max; ++i)
      wg.go([&] { EXPECT_FALSE(server.resolver().resolve("a.test", 1).empty()); });
    ASSERT_TRUE(weft_test::eventually([&] { return server.questions() == 2 * at_once_max; }));
    EXPECT_EQ(error_of(server.resolver(), "a.test", 1, {.timeout = 2ms}), weft::io_errc::timeout);
    EXPECT_EQ(server.questions(), 2 * at_once_max);
    EXPECT_FALSE(weft::net::resolve("127.0.0.1", 1).empty());  // needs none
    server.release();
    wg.wait();
  });
}

TEST_F(resolve, refuses_options_that_make_no_sense) {
  EXPECT_THROW(resolver({.servers = {address()}}), std::invalid_argument);
  EXPECT_THROW(resolver({.servers = {address::unix_path("@a")}}), std::invalid_argument);
  EXPECT_THROW(resolver({.timeout = 0s}), std::invalid_argument);
  EXPECT_THROW(resolver({.attempts = 0}), std::invalid_argument);
}

TEST_F(resolve, has_errors_with_names_of_their_own) {
  EXPECT_STREQ(weft::net::resolve_category().name(), "weft.resolve");
  EXPECT_NE(make_error_code(resolve_errc::no_address), resolve_errc::host_not_found);
  for (int code = 1; code <= 5; ++code)
    EXPECT_NE(weft::net::resolve_category().message(code), "unknown");
  EXPECT_EQ(weft::net::resolve_category().message(6), "unknown");
}

}  // namespace
