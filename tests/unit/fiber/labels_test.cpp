// Sets of labels: made from one another, never changed, shared by count.
#include "fiber/own/labels.hpp"

#include <string>
#include <vector>

#include "unit_support.hpp"

namespace {

using weft::detail::drop;
using weft::detail::label_set;
using weft::detail::share;

TEST(label_set, is_made_from_another_and_leaves_it_alone) {
  label_set* one = label_set::with(nullptr, "b", "1");
  label_set* two = label_set::with(one, "a", "2");
  label_set* changed = label_set::with(two, "b", "3");
  EXPECT_EQ(one->find("a"), nullptr);
  EXPECT_EQ(*one->find("b"), "1");
  EXPECT_EQ(two->all(), (std::vector<label_set::pair>{{"a", "2"}, {"b", "1"}}));
  EXPECT_EQ(changed->all(), (std::vector<label_set::pair>{{"a", "2"}, {"b", "3"}}));
  label_set* fewer = label_set::without(*changed, "a");
  EXPECT_EQ(fewer->all(), (std::vector<label_set::pair>{{"b", "3"}}));
  EXPECT_EQ(label_set::without(*fewer, "b"), nullptr);
  for (label_set* each : {one, two, changed, fewer}) drop(each);
}

TEST(label_set, finds_among_many) {
  label_set* all = nullptr;
  for (int i = 99; i >= 0; --i) {
    label_set* more = label_set::with(all, std::to_string(i), std::to_string(-i));
    drop(all);
    all = more;
  }
  for (int i = 0; i < 100; ++i) EXPECT_EQ(*all->find(std::to_string(i)), std::to_string(-i));
  EXPECT_EQ(all->find("100"), nullptr);
  EXPECT_EQ(all->find(""), nullptr);
  drop(all);
}

TEST(label_set, lives_as_long_as_its_last_owner) {
  EXPECT_EQ(share(nullptr), nullptr);
  label_set* shared = label_set::with(nullptr, "k", "v");
  unit::on_threads(4, [&](int) {
    for (int i = 0; i < 1000; ++i) {
      label_set* mine = share(shared);
      EXPECT_EQ(*mine->find("k"), "v");
      drop(mine);
    }
  });
  EXPECT_EQ(*shared->find("k"), "v");
  drop(shared);  // a sanitizer tells whether it was the last
}

}  // namespace
