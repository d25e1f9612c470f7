// How elements travel: their table of operations, the box of those that may throw, slots and
// parcels.
#include <weft/detail/channel_core.hpp>

#include <memory>
#include <optional>
#include <string>
#include <type_traits>

#include "elements.hpp"
#include "unit_support.hpp"

namespace {

using weft::detail::boxed;
using weft::detail::ops_of;
using weft::detail::parcel;
using weft::detail::slot;
using weft::detail::stored;
using weft::detail::travels_boxed;
using weft_test::counted;
using weft_test::move_thrower;

static_assert(!travels_boxed<int> && !travels_boxed<std::string>);
static_assert(!travels_boxed<std::unique_ptr<int>>);
static_assert(travels_boxed<move_thrower>);
static_assert(std::is_same_v<stored<move_thrower>, boxed<move_thrower>>);
static_assert(std::is_nothrow_move_constructible_v<boxed<move_thrower>>);

template <class T>
struct room {
  alignas(T) std::byte bytes[sizeof(T)];
  // Safety: the tests construct a T there through the table of operations.
  T& value() { return *std::launder(reinterpret_cast<T*>(bytes)); }
};

TEST(element_ops, move_construct_relocate_and_destroy) {
  const auto& ops = ops_of<counted>;
  EXPECT_EQ(ops.size, sizeof(counted));
  EXPECT_EQ(ops.alignment, alignof(counted));
  room<counted> first, second;
  {
    counted source(5);
    ops.move(first.bytes, &source);
    EXPECT_EQ(counted::alive(), 2);
    EXPECT_EQ(source.value(), counted::moved);
  }
  ops.relocate(second.bytes, first.bytes);
  EXPECT_EQ(counted::alive(), 1);
  EXPECT_EQ(second.value().value(), 5);
  ops.destroy(second.bytes);
  EXPECT_EQ(counted::alive(), 0);
  EXPECT_EQ(counted::strays(), 0);
}

TEST(slot, an_unused_one_destroys_nothing) {
  { const slot<counted> unused; }
  EXPECT_EQ(counted::alive(), 0);
  EXPECT_EQ(counted::strays(), 0);
}

TEST(slot, gives_its_element_once_and_destroys_it) {
  slot<counted> s;
  counted source(3);
  ops_of<counted>.move(s.raw(), &source);
  EXPECT_EQ(s.take()->value(), 3);
  EXPECT_EQ(counted::alive(), 1);
}

TEST(parcel, of_a_plain_type_is_the_value_itself) {
  counted v(2);
  parcel<counted> p(v);
  EXPECT_EQ(p.raw(), &v);
  p.give_back();
  EXPECT_EQ(v.value(), 2);
}

TEST(parcel, of_a_type_that_may_throw_is_a_box_that_can_be_given_back) {
  move_thrower v(4);
  {
    parcel<move_thrower> p(v);
    EXPECT_NE(p.raw(), &v);
    EXPECT_EQ(v.value(), counted::moved);
    p.give_back();
    EXPECT_EQ(v.value(), 4);
  }
  EXPECT_EQ(move_thrower::alive(), 1);
}

TEST(parcel, a_move_that_throws_leaves_the_value_and_no_box) {
  move_thrower v(4);
  move_thrower::throw_at(1);
  EXPECT_THROW(parcel<move_thrower> p(v), std::runtime_error);
  EXPECT_EQ(v.value(), 4);
  EXPECT_EQ(move_thrower::alive(), 1);
}

/// Moves from its box into a slot and out of it, with the n-th move throwing.
TEST(parcel, a_move_that_throws_on_the_other_side_loses_nothing_but_the_value) {
  for (int n = 1; n <= 3; ++n) {
    {
      move_thrower v(6);
      move_thrower::throw_at(n);
      try {
        parcel<move_thrower> p(v);
        slot<move_thrower> s;
        ops_of<stored<move_thrower>>.move(s.raw(), p.raw());
        const std::optional<move_thrower> out = s.take();
        EXPECT_EQ(out->value(), 6);
      } catch (const std::runtime_error&) {
      }
      move_thrower::throw_at(0);
      EXPECT_EQ(move_thrower::alive(), 1);
    }
    EXPECT_EQ(move_thrower::alive(), 0);
  }
}

}  // namespace
