// Who may enter, and who is the last one out.
#include "sync/io/call_gate.hpp"

#include <thread>
#include <vector>

#include "unit_support.hpp"

namespace {

using weft::detail::atomic;
using weft::detail::call_gate;
using weft_test::scaled;

TEST(call_gate, lets_calls_in_until_it_is_shut) {
  call_gate gate;
  std::error_code ec;
  ASSERT_TRUE(gate.enter(ec));
  EXPECT_FALSE(gate.leave());
  ASSERT_TRUE(gate.enter(ec));
  EXPECT_TRUE(gate.is_open());
  EXPECT_TRUE(gate.shut());
  EXPECT_FALSE(gate.shut());
  EXPECT_FALSE(gate.is_open());
  EXPECT_FALSE(ec);
  EXPECT_FALSE(gate.enter(ec));
  EXPECT_EQ(ec, weft::io_errc::closed);
  EXPECT_TRUE(gate.leave());
}

TEST(call_gate, tells_the_last_one_out_only) {
  call_gate gate;
  std::error_code ec;
  ASSERT_TRUE(gate.enter(ec));
  ASSERT_TRUE(gate.enter(ec));
  EXPECT_TRUE(gate.shut());
  EXPECT_FALSE(gate.leave());
  EXPECT_TRUE(gate.leave());
}

TEST(call_gate, knows_whether_others_are_inside) {
  call_gate gate;
  std::error_code ec;
  ASSERT_TRUE(gate.enter(ec));
  EXPECT_FALSE(gate.pass_on());
  ASSERT_TRUE(gate.enter(ec));
  EXPECT_TRUE(gate.pass_on());
  EXPECT_FALSE(gate.leave());
  EXPECT_FALSE(gate.pass_on());
  EXPECT_FALSE(gate.leave());
}

TEST(call_gate, has_one_last_one_out_and_it_sees_what_the_others_did) {
  for (int round = 0; round < scaled(200); ++round) {
    call_gate gate;
    constexpr int callers = 3;
    std::vector<long> done(callers, 0);  // each writes its own, and only the last one reads
    atomic<int> last{0};
    std::vector<std::thread> threads;
    for (std::size_t me = 0; me < callers; ++me)
      threads.emplace_back([&, me] {
        for (std::error_code ec; gate.enter(ec);) {
          ++done[me];
          if (done[me] == 50) gate.shut();
          if (!gate.leave()) continue;
          last.fetch_add(1);
          EXPECT_GE(done[0] + done[1] + done[2], 50);
        }
      });
    for (std::thread& t : threads) t.join();
    EXPECT_EQ(last.load(), 1);
  }
}

}  // namespace
