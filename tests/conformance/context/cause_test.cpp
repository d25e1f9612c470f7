// Go's context tests: TestCause, whose table follows from a few rules, and its race.
#include <functional>

#include "context_support.hpp"

namespace {

using namespace std::chrono_literals;
using namespace context_test;
using weft::background;
using weft::context;
using weft::context_errc;
using weft::with_cancel;
using weft::with_cancel_cause;
using weft::with_timeout;
using weft_test::everywhere;
using weft_test::scaled;

using context_cause = weft_test::fixture;

std::exception_ptr named(const char* words) {
  return std::make_exception_ptr(std::runtime_error(words));
}

struct cause_case {
  const char* name;
  std::function<context()> make;
  int error;  // 0: not cancelled
  const char* cause;
};

constexpr int canceled = static_cast<int>(context_errc::canceled);
constexpr int late = static_cast<int>(context_errc::deadline_exceeded);
constexpr auto canceled_words = "context canceled";
constexpr auto late_words = "context deadline exceeded";

context parent_and_child(bool parent_first, bool parent_has_cause, bool child_has_cause) {
  auto [parent, cancel_parent] = with_cancel_cause(background());
  auto [child, cancel_child] = with_cancel_cause(parent);
  const auto end_parent = [&] { cancel_parent(parent_has_cause ? named("parent") : nullptr); };
  const auto end_child = [&] { cancel_child(child_has_cause ? named("child") : nullptr); };
  if (parent_first) {
    end_parent();
    end_child();
  } else {
    end_child();
    end_parent();
  }
  return child;
}

/// A cause of the upper, and a timeout with a cause below it.
context stacked(std::chrono::nanoseconds timeout, const char* above) {
  auto [upper, cancel] = with_cancel_cause(background());
  context lower = with_timeout(upper, timeout, named("too slow")).ctx;
  cancel(named(above));
  return lower;
}

context below_detached(const std::function<context(const context&)>& child) {
  auto [upper, cancel] = with_cancel_cause(background());
  context lower = child(weft::without_cancel(upper));
  cancel(named("early"));
  return lower;
}

std::vector<cause_case> cancel_cases() {
  return {
      {"Background", [] { return background(); }, 0, ""},
      {"TODO_", [] { return weft::todo(); }, 0, ""},
      {"WithCancel_open", [] { return with_cancel(background()).ctx; }, 0, ""},
      {"WithCancel",
       [] {
         auto [c, cancel] = with_cancel(background());
         cancel();
         return c;
       },
       canceled, canceled_words},
      {"WithCancelCause",
       [] {
         auto [c, cancel] = with_cancel_cause(background());
         cancel(named("mine"));
         return c;
       },
       canceled, "mine"},
      {"WithCancelCause_of_none",
       [] {
         auto [c, cancel] = with_cancel_cause(background());
         cancel(nullptr);
         return c;
       },
       canceled, canceled_words},
      {"WithCancelCause_of_none_is_the_first",
       [] {
         auto [c, cancel] = with_cancel_cause(background());
         cancel();
         cancel(named("second"));
         return c;
       },
       canceled, canceled_words},
      {"both_causes_parent_first", [] { return parent_and_child(true, true, true); }, canceled,
       "parent"},
      {"both_causes_child_first", [] { return parent_and_child(false, true, true); }, canceled,
       "child"},
      {"parents_cause_then_none", [] { return parent_and_child(true, true, false); }, canceled,
       "parent"},
      {"none_then_parents_cause", [] { return parent_and_child(false, true, false); }, canceled,
       canceled_words},
      {"none_then_childs_cause", [] { return parent_and_child(true, false, true); }, canceled,
       canceled_words},
      {"childs_cause_then_none", [] { return parent_and_child(false, false, true); }, canceled,
       "child"},
  };
}

std::vector<cause_case> deadline_cases() {
  return {
      {"WithTimeout",
       [] {
         auto [c, cancel] = with_timeout(background(), 0s);
         cancel();
         return c;
       },
       late, late_words},
      {"WithTimeout_cancelled",
       [] {
         auto [c, cancel] = with_timeout(background(), forever);
         cancel();
         return c;
       },
       canceled, canceled_words},
      {"WithTimeoutCause",
       [] {
         auto [c, cancel] = with_timeout(background(), 0s, named("too slow"));
         cancel();
         return c;
       },
       late, "too slow"},
      {"WithTimeoutCause_cancelled",
       [] {
         auto [c, cancel] = with_timeout(background(), forever, named("too slow"));
         cancel();
         return c;
       },
       canceled, canceled_words},
      {"WithTimeoutCause_fired",
       [] {
         context c = with_timeout(background(), 1ms, named("too slow")).ctx;
         c.done().recv();
         return c;
       },
       late, "too slow"},
  };
}

std::vector<cause_case> mixed_cases() {
  return {
      {"stacked_timeout_first", [] { return stacked(0s, "early"); }, late, "too slow"},
      {"stacked_cancel_first", [] { return stacked(forever, "early"); }, canceled, "early"},
      {"WithoutCancel", [] { return weft::without_cancel(background()); }, 0, ""},
      {"WithoutCancel_of_cancelled",
       [] { return below_detached([](const context& c) { return c; }); }, 0, ""},
      {"WithoutCancel_child",
       [] { return below_detached([](const context& c) { return with_cancel(c).ctx; }); }, 0, ""},
      {"WithoutCancel_child_timeout",
       [] {
         return below_detached(
             [](const context& c) { return with_timeout(c, 0s, named("too slow")).ctx; });
       },
       late, "too slow"},
  };
}

std::vector<cause_case> cause_cases() {
  std::vector<cause_case> all = cancel_cases();
  for (const auto& part : {deadline_cases(), mixed_cases()})
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

class Cause : public testing::TestWithParam<cause_case> {};

TEST_P(Cause, is_the_first_that_was_given) {
  const cause_case& row = GetParam();
  weft_test::everywhere([&] {
    const context c = row.make();
    EXPECT_EQ(c.err().value(), row.error);
    EXPECT_EQ(why(c), row.cause);
    EXPECT_EQ(c.cancelled(), row.error != 0);
  });
}
INSTANTIATE_TEST_SUITE_P(table, Cause, testing::ValuesIn(cause_cases()),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST_F(context_cause, is_the_very_exception_that_was_given) {
  auto [ctx, cancel] = with_cancel_cause(background());
  const std::exception_ptr mine = std::make_exception_ptr(42);
  cancel(mine);
  EXPECT_EQ(ctx.cause(), mine);
  EXPECT_EQ(with_cancel(ctx).ctx.cause(), mine);
  EXPECT_THROW(ctx.throw_if_cancelled(), int);
}

TEST_F(context_cause, may_be_given_as_an_exception_object) {
  auto [ctx, cancel] = with_cancel_cause(background());
  cancel(std::out_of_range("object"));
  EXPECT_THROW(ctx.throw_if_cancelled(), std::out_of_range);
  const context timed = with_timeout(background(), -1s, std::out_of_range("late")).ctx;
  EXPECT_EQ(why(timed), "late");
}

TEST_F(context_cause, that_nobody_sees_is_released) {
  const auto alive = make_census();
  struct failure : std::exception {
    explicit failure(counted c) : inside(std::move(c)) {}
    counted inside;
  };
  {
    auto [ctx, cancel] = with_cancel_cause(background());
    cancel(failure(counted(alive)));
    cancel(failure(counted(alive)));
    EXPECT_EQ(*alive, 1);
    const context timed = with_timeout(background(), forever, failure(counted(alive))).ctx;
    EXPECT_EQ(*alive, 2);
  }
  EXPECT_EQ(*alive, 0);
}

TEST_F(context_cause, CauseRace) {
  everywhere([] {
    for (int i = 0; i < scaled(300); ++i) {
      auto [ctx, cancel] = with_cancel_cause(background());
      weft::wait_group wg;
      wg.go([c = cancel] { c(std::runtime_error("first or second")); });
      wg.go([c = cancel] { c(std::runtime_error("first or second")); });
      for (;;) {  // an error and its cause come together
        if (!ctx.err()) {
          weft::yield();
          continue;
        }
        EXPECT_EQ(why(ctx), "first or second");
        break;
      }
      const std::exception_ptr settled = ctx.cause();
      wg.wait();
      EXPECT_EQ(ctx.cause(), settled);
    }
  });
}

}  // namespace
