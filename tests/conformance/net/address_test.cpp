// Addresses as values and as text.
#include <weft/net/address.hpp>

#include <algorithm>
#include <string>
#include <system_error>
#include <unordered_set>
#include <vector>

#include "weft_test.hpp"

namespace {

using weft::net::address;
using family = address::family;

using net_address = weft_test::fixture;

/// What `parse` has thrown, if it has.
std::error_code error_of_parsing(const std::string& text) {
  std::error_code by_code;
  const address made = address::parse(text, by_code);
  try {
    EXPECT_EQ(address::parse(text), made) << text;
    EXPECT_FALSE(by_code) << text;
  } catch (const std::system_error& e) {
    EXPECT_EQ(e.code(), by_code) << text;
    EXPECT_EQ(made, address()) << text;
  }
  return by_code;
}

TEST_F(net_address, is_printed_as_it_was_parsed) {
  for (const char* text :
       {"127.0.0.1:80", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:80", "[::]:0",
        "[2001:db8::1]:443", "[::ffff:192.0.2.1]:1", "[1:2:3:4:5:6:7:8]:9", "[fe80::1%lo]:80",
        "unix:/run/a.sock", "unix:relative.sock", "unix:@abstract", "unix:/with space:and:colons",
        "unix:[::1]:80"}) {
    const address parsed = address::parse(text);
    EXPECT_EQ(parsed.to_string(), text);
    EXPECT_EQ(address::parse(parsed.to_string()), parsed) << text;
  }
}

TEST_F(net_address, is_printed_in_its_shortest_form) {
  EXPECT_EQ(address::parse("[0:0:0:0:0:0:0:1]:080").to_string(), "[::1]:80");
  EXPECT_EQ(address::parse("[2001:DB8:0:0::1]:1").to_string(), "[2001:db8::1]:1");
  EXPECT_EQ(address::parse("[fe80::1%1]:1"), address::parse("[fe80::1%lo]:1"));
}

TEST_F(net_address, is_refused_if_it_is_none) {
  for (const char* text : {"",
                           ":",
                           "127.0.0.1",
                           "127.0.0.1:",
                           "127.0.0.1:65536",
                           "127.0.0.1:-1",
                           "127.0.0.1:+1",
                           "127.0.0.1: 1",
                           "127.0.0.1:1 ",
                           "127.0.0.1:http",
                           "127.0.0.1:1:2",
                           "127.1:80",
                           "0x7f.0.0.1:80",
                           "256.0.0.1:80",
                           "127.0.0.1.1:80",
                           " 127.0.0.1:80",
                           "localhost:80",
                           "::1",
                           "::1:80",
                           "[::1]",
                           "[::1]80",
                           "[::1:80",
                           "::1]:80",
                           "[]:80",
                           "[127.0.0.1]:80",
                           "[:::]:80",
                           "[1:2:3:4:5:6:7:8:9]:80",
                           "[::1%]:80",
                           "[::1%no-such-interface]:80",
                           "[[::1]]:80",
                           "http://127.0.0.1:80",
                           "unix:"})
    EXPECT_EQ(error_of_parsing(text), std::errc::invalid_argument) << text;
}

TEST_F(net_address, with_a_nul_inside_is_refused) {
  EXPECT_EQ(error_of_parsing(std::string("127.0.0.1\0.evil:80", 18)), std::errc::invalid_argument);
  EXPECT_EQ(error_of_parsing(std::string("[::1\0]:80", 9)), std::errc::invalid_argument);
  EXPECT_EQ(error_of_parsing(std::string("127.0.0.1:80\0", 13)), std::errc::invalid_argument);
}

TEST_F(net_address, says_what_was_no_address) {
  EXPECT_NE(weft_test::what_thrown<std::system_error>([] {
              static_cast<void>(address::parse("nonsense"));
            }).find("not an address: \"nonsense\""),
            std::string::npos);
}

TEST_F(net_address, has_parts) {
  const address ipv4 = address::parse("192.0.2.1:80");
  EXPECT_EQ(ipv4.kind(), family::ipv4);
  EXPECT_EQ(ipv4.host(), "192.0.2.1");
  EXPECT_EQ(ipv4.port(), 80);
  EXPECT_TRUE(ipv4.is_ip());
  const address ipv6 = address::parse("[2001:db8::1]:443");
  EXPECT_EQ(ipv6.kind(), family::ipv6);
  EXPECT_EQ(ipv6.host(), "2001:db8::1");
  EXPECT_EQ(ipv6.port(), 443);
  EXPECT_TRUE(ipv6.is_ip());
  const address path = address::parse("unix:/run/a.sock");
  EXPECT_EQ(path.kind(), family::unix_path);
  EXPECT_EQ(path.host(), "/run/a.sock");
  EXPECT_EQ(path.port(), 0);
  EXPECT_FALSE(path.is_ip());
}

TEST_F(net_address, of_nothing_is_empty) {
  const address none;
  EXPECT_EQ(none.kind(), family::none);
  EXPECT_EQ(none.to_string(), "");
  EXPECT_EQ(none.host(), "");
  EXPECT_EQ(none.port(), 0);
  EXPECT_EQ(none.size(), 0U);
  EXPECT_EQ(none.with_port(80), none);
  EXPECT_FALSE(none.is_loopback());
  EXPECT_EQ(address::from_system(nullptr, 0), none);
}

TEST_F(net_address, knows_loopback) {
  for (const char* text : {"127.0.0.1:1", "127.255.255.254:1", "[::1]:1"})
    EXPECT_TRUE(address::parse(text).is_loopback()) << text;
  for (const char* text : {"128.0.0.1:1", "0.0.0.0:1", "[::]:1", "[::2]:1", "unix:/a"})
    EXPECT_FALSE(address::parse(text).is_loopback()) << text;
  EXPECT_EQ(address::loopback(7), address::parse("127.0.0.1:7"));
}

TEST_F(net_address, without_a_host_is_every_address_of_this_machine) {
  EXPECT_EQ(address::parse(":80"), address::any(80));
  EXPECT_EQ(address::any(80).to_string(), "[::]:80");
}

TEST_F(net_address, takes_another_port) {
  EXPECT_EQ(address::parse("127.0.0.1:1").with_port(65'535), address::parse("127.0.0.1:65535"));
  EXPECT_EQ(address::parse("[fe80::1%lo]:1").with_port(2), address::parse("[fe80::1%lo]:2"));
  EXPECT_EQ(address::parse("unix:/a").with_port(2), address::parse("unix:/a"));
}

TEST_F(net_address, of_a_unix_socket_has_room_for_107_bytes) {
  const std::string longest = "/" + std::string(106, 'a');
  EXPECT_EQ(address::unix_path(longest).host(), longest);
  EXPECT_EQ(error_of_parsing("unix:" + longest + "a"), std::errc::filename_too_long);
  EXPECT_THROW(address::unix_path(""), std::system_error);
}

TEST_F(net_address, is_equal_to_its_like_alone) {
  std::vector<address> all;
  for (const char* text :
       {"127.0.0.1:80", "127.0.0.1:81", "127.0.0.2:80", "[::1]:80", "[::]:80",
        "[::ffff:127.0.0.1]:80", "[fe80::1%lo]:80", "[fe80::1]:80", "unix:/a", "unix:@a", "unix:a"})
    all.push_back(address::parse(text));
  all.emplace_back();
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t j = 0; j < all.size(); ++j) EXPECT_EQ(all[i] == all[j], i == j) << i << j;
  const std::unordered_set<address> set(all.begin(), all.end());
  EXPECT_EQ(set.size(), all.size());
  EXPECT_TRUE(set.contains(address::parse("[0::1]:80")));
}

TEST_F(net_address, goes_to_the_system_and_back) {
  for (const char* text : {"127.0.0.1:80", "[::1]:80", "unix:/run/a.sock", "unix:@abstract"}) {
    const address a = address::parse(text);
    EXPECT_EQ(address::from_system(a.data(), a.size()), a) << text;
  }
}

}  // namespace
