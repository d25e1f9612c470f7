// Where goroutine-local values stand: slots that are used again, serials that are not.
#include "fiber/own/local_values.hpp"

#include <array>
#include <string>
#include <vector>

#include "unit_support.hpp"

namespace {

using weft::detail::local_slot;
using weft::detail::local_slot_acquire;
using weft::detail::local_slot_release;
using weft::detail::local_value;
using weft::detail::local_values;

/// Writes its letter when it is destroyed. It lives on the test's stack.
struct letter : local_value {
  letter(char c, std::string& log) : text(c), written(&log) {
    destroy = [](local_value* self) noexcept {
      auto* me = static_cast<letter*>(self);
      *me->written += me->text;
    };
  }
  char text;
  std::string* written;
};

void put(local_values& values, local_slot slot, local_value& value) {
  values.reserve(slot);
  values.attach(slot, value);
}

TEST(local_values, are_found_by_slot_and_serial) {
  std::string log;
  letter a('a', log);
  const local_slot slot = local_slot_acquire();
  {
    local_values values;
    EXPECT_EQ(values.find(slot), nullptr);
    put(values, slot, a);
    EXPECT_EQ(values.find(slot), &a);
    EXPECT_EQ(values.find({slot.index, slot.serial + 1}), nullptr);
    EXPECT_EQ(values.find({slot.index + 1000, slot.serial}), nullptr);
    EXPECT_TRUE(values.end(slot));
    EXPECT_FALSE(values.end(slot));
    EXPECT_EQ(log, "a");
  }
  EXPECT_EQ(log, "a");
  local_slot_release(slot);
}

TEST(local_values, end_newest_first) {
  std::string log;
  std::vector<letter> letters;
  std::vector<local_slot> slots;
  for (char c = 'a'; c <= 'z'; ++c) {
    letters.emplace_back(c, log);
    slots.push_back(local_slot_acquire());
  }
  {
    local_values values;
    for (std::size_t i = 0; i < slots.size(); ++i)
      put(values, slots[slots.size() - 1 - i], letters[i]);
    EXPECT_TRUE(values.end(slots[0]));
    EXPECT_EQ(log, "z");
  }
  EXPECT_EQ(log, "zyxwvutsrqponmlkjihgfedcba");
  for (const local_slot s : slots) local_slot_release(s);
}

TEST(local_values, that_were_left_in_a_slot_end_when_it_is_used_again) {
  std::string log;
  letter old('o', log);
  letter fresh('f', log);
  local_values values;
  const local_slot first = local_slot_acquire();
  put(values, first, old);
  local_slot_release(first);
  const local_slot second = local_slot_acquire();
  ASSERT_EQ(second.index, first.index) << "this test needs the slot again";
  ASSERT_NE(second.serial, first.serial);
  EXPECT_EQ(values.find(second), nullptr);
  put(values, second, fresh);
  EXPECT_EQ(log, "o");
  EXPECT_EQ(values.find(second), &fresh);
  EXPECT_EQ(values.find(first), nullptr);
  EXPECT_TRUE(values.end(second));
  local_slot_release(second);
}

TEST(local_values, stand_in_slots_that_differ_while_they_are_held) {
  std::array<std::vector<local_slot>, 4> held;
  unit::on_threads(4, [&](int me) {
    auto& mine = held[static_cast<std::size_t>(me)];
    for (int i = 0; i < 500; ++i) {
      mine.push_back(local_slot_acquire());
      if (i % 3 == 2) {
        local_slot_release(mine.front());
        mine.erase(mine.begin());
      }
    }
  });
  std::vector<int> used;
  for (const auto& mine : held)
    for (const local_slot s : mine) {
      if (used.size() <= s.index) used.resize(s.index + 1);
      ++used[s.index];
      local_slot_release(s);
    }
  for (const int n : used) EXPECT_LE(n, 1);
}

}  // namespace
