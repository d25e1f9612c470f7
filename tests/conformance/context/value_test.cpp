// Go's context tests: values.
#include <memory>
#include <stdexcept>
#include <string>

#include "context_support.hpp"

namespace {

using namespace std::chrono_literals;
using namespace context_test;
using weft_test::everywhere;

using context_value = weft_test::fixture;

const weft::context_key<std::string> k1;
const weft::context_key<std::string> k2;  // the same type, another key
const weft::context_key<int> k3;

std::string at(const weft::context& c, const weft::context_key<std::string>& key) {
  const std::string* v = c.value(key);
  return v ? *v : "none";
}

TEST_F(context_value, Values) {
  everywhere([] {
    const weft::context c0 = weft::background();
    EXPECT_EQ(c0.value(k1), nullptr);
    const weft::context c1 = weft::with_value(c0, k1, "c1k1");
    const weft::context c2 = weft::with_value(c1, k2, "c2k2");
    const weft::context c3 = weft::with_value(c2, k3, 3);
    const weft::context c4 = weft::with_value(c3, k1, "c4k1");
    EXPECT_EQ(weft::to_string(c2), "context.Background.WithValue.WithValue");
    EXPECT_EQ(at(c1, k1) + at(c1, k2), "c1k1none");
    EXPECT_EQ(at(c2, k1) + at(c2, k2), "c1k1c2k2");
    EXPECT_EQ(c2.value(k3), nullptr);
    EXPECT_EQ(*c3.value(k3), 3);
    EXPECT_EQ(at(c4, k1) + at(c4, k2), "c4k1c2k2");
    EXPECT_EQ(at(c3, k1), "c1k1");  // what is below changes nothing above
    auto [below, cancel] = weft::with_timeout(weft::with_cancel(c4).ctx, forever);
    EXPECT_EQ(at(below, k1) + at(below, k2), "c4k1c2k2");
    cancel();
    EXPECT_EQ(at(below, k1) + at(below, k2), "c4k1c2k2");
  });
}

TEST_F(context_value, that_is_empty_hides_the_one_above) {
  static const weft::context_key<std::shared_ptr<int>> key;
  const weft::context above = weft::with_value(weft::background(), key, std::make_shared<int>(1));
  const weft::context below = weft::with_value(above, key, nullptr);
  ASSERT_NE(below.value(key), nullptr);
  EXPECT_EQ(*below.value(key), nullptr);
  EXPECT_EQ(**above.value(key), 1);
}

TEST_F(context_value, may_be_move_only_or_strictly_aligned) {
  struct alignas(128) wide {
    char byte = 'w';
  };
  static const weft::context_key<std::unique_ptr<int>> owner;
  static const weft::context_key<wide> aligned;
  const weft::context c = weft::with_value(
      weft::with_value(weft::background(), owner, std::make_unique<int>(5)), aligned, {});
  EXPECT_EQ(**c.value(owner), 5);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(c.value(aligned)) % alignof(wide), 0U);
  EXPECT_EQ(c.value(aligned)->byte, 'w');
}

struct throws_when_moved {
  throws_when_moved() = default;
  throws_when_moved(const throws_when_moved&) { throw std::runtime_error("no copy"); }
};

TEST_F(context_value, whose_move_throws_leaves_nothing_behind) {
  static const weft::context_key<throws_when_moved> key;
  auto [parent, cancel] = weft::with_cancel(weft::background());
  const throws_when_moved value;
  EXPECT_THROW(static_cast<void>(weft::with_value(parent, key, value)), std::runtime_error);
  EXPECT_THROW(static_cast<void>(weft::with_value(parent, key, {})), std::runtime_error);
  expect_alive(parent);
}

TEST_F(context_value, is_destroyed_with_the_last_handle_below_it) {
  const auto alive = make_census();
  weft::context keeper;
  {
    const weft::context c = weft::with_value(weft::background(), counted_key, counted(alive));
    keeper = weft::with_cancel(weft::with_value(c, k1, "below")).ctx;
  }
  EXPECT_EQ(*alive, 1);
  keeper = nullptr;
  EXPECT_EQ(*alive, 0);
}

TEST_F(context_value, WithoutCancel) {
  everywhere([] {
    const weft::context value = weft::with_value(weft::background(), k1, "kept");
    auto [parent, cancel] = weft::with_timeout(value, forever);
    const weft::context free = weft::without_cancel(parent);
    EXPECT_EQ(at(free, k1), "kept");
    EXPECT_FALSE(free.done());
    EXPECT_EQ(free.deadline(), std::nullopt);
    cancel();
    expect_canceled(parent);
    expect_alive(free);
    EXPECT_EQ(at(free, k1), "kept");
    auto [below, cancel_below] = weft::with_cancel(weft::with_value(free, k2, "new"));
    expect_alive(below);
    EXPECT_EQ(at(below, k1) + at(below, k2), "keptnew");
    cancel_below();
    expect_canceled(below);
    expect_alive(free);
  });
}

}  // namespace
