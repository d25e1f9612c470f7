// Exceptions across parks, where tests/conformance/exception_test.cpp ends:
// thousands at once, kept, nested, passed on, and rethrown elsewhere. Built at
// -O3 with LTO too.
#include <atomic>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "weft_test.hpp"

namespace {

using weft_test::everywhere;
using weft_test::sanitized;
using weft_test::scaled;

using Exceptions = weft_test::fixture;

constexpr int thousands = sanitized ? 300 : 4'000;

/// Counts the exception objects: each is destroyed once, wherever its last
/// handler ends.
class tracked : public std::exception {
public:
  explicit tracked(int id) : id_(id) { alive_.fetch_add(1); }
  tracked(const tracked &other) noexcept
      : std::exception(other), id_(other.id_) {
    alive_.fetch_add(1);
  }
  tracked &operator=(const tracked &) = delete;
  ~tracked() override { alive_.fetch_sub(1); }
  int id() const { return id_; }
  static int alive() { return alive_.load(); }

private:
  int id_;
  static inline std::atomic<int> alive_{0};
};

/// Runs f(number) in thousands of goroutines, all of which are inside at once:
/// `meet` parks until everybody has come.
template <class F> void thousands_at_once(F f) {
  const weft::wait_group all;
  const weft::wait_group here;
  const weft::chan<void> go_on;
  here.add(thousands);
  for (int i = 0; i < thousands; ++i)
    all.go([=] {
      f(i, [=] {
        here.done();
        go_on.recv();
      });
    });
  here.wait();
  go_on.close();
  all.wait();
}

TEST_F(Exceptions, thousands_are_caught_at_once) {
  everywhere([] {
    std::atomic<int> wrong{0};
    thousands_at_once([&](int i, const auto &meet) {
      try {
        throw tracked(i);
      } catch (const tracked &e) {
        meet();
        if (e.id() != i)
          wrong.fetch_add(1);
        try {
          throw;
        } catch (const tracked &again) {
          weft::yield();
          if (again.id() != i || &again != &e)
            wrong.fetch_add(1);
        }
      }
      if (std::current_exception())
        wrong.fetch_add(1);
    });
    EXPECT_EQ(wrong.load(), 0);
    EXPECT_EQ(tracked::alive(), 0);
  });
}

template <class F> class at_scope_end {
public:
  explicit at_scope_end(F f) : f_(std::move(f)) {}
  at_scope_end(const at_scope_end &) = delete;
  at_scope_end &operator=(const at_scope_end &) = delete;
  ~at_scope_end() { f_(); }

private:
  F f_;
};

TEST_F(Exceptions, thousands_unwind_at_once) {
  everywhere([] {
    std::atomic<int> wrong{0};
    thousands_at_once([&](int i, const auto &meet) {
      try {
        const at_scope_end waits([&] {
          if (std::uncaught_exceptions() != 1)
            wrong.fetch_add(1);
          meet();
          if (std::uncaught_exceptions() != 1)
            wrong.fetch_add(1);
        });
        throw tracked(i);
      } catch (const tracked &e) {
        if (e.id() != i || std::uncaught_exceptions() != 0)
          wrong.fetch_add(1);
      }
    });
    EXPECT_EQ(wrong.load(), 0);
    EXPECT_EQ(tracked::alive(), 0);
  });
}

/// Levels of unwinding inside unwinding, a park at each way in and out.
void nest(int depth, int id, std::atomic<int> &wrong) {
  if (depth == 0)
    return;
  const int around = std::uncaught_exceptions();
  try {
    const at_scope_end deeper([&] {
      if (std::uncaught_exceptions() != around + 1)
        wrong.fetch_add(1);
      weft::yield();
      nest(depth - 1, id, wrong);
      weft::yield();
      if (std::uncaught_exceptions() != around + 1)
        wrong.fetch_add(1);
    });
    throw tracked(id + depth);
  } catch (const tracked &e) {
    weft::yield();
    if (e.id() != id + depth || std::uncaught_exceptions() != around)
      wrong.fetch_add(1);
  }
}

TEST_F(Exceptions, unwinding_nests_with_parks_between) {
  everywhere([] {
    std::atomic<int> wrong{0};
    const weft::wait_group all;
    for (int i = 0; i < scaled(100); ++i)
      all.go([&, i] { nest(6, 100 * i, wrong); });
    all.wait();
    EXPECT_EQ(wrong.load(), 0);
    EXPECT_EQ(tracked::alive(), 0);
  });
}

TEST_F(Exceptions, handlers_nest_with_parks_between) {
  everywhere([] {
    std::atomic<int> wrong{0};
    const weft::wait_group all;
    for (int i = 0; i < scaled(200); ++i)
      all.go([&, i] {
        std::vector<std::exception_ptr> kept;
        for (int level = 0; level < 5; ++level) {
          try {
            if (kept.empty())
              throw tracked(i);
            std::rethrow_exception(kept.back());
          } catch (const tracked &e) {
            weft::yield();
            kept.push_back(std::current_exception());
            try {
              throw std::runtime_error("inner");
            } catch (const std::runtime_error &) {
              weft::yield();
            }
            if (std::current_exception() != kept.back() || e.id() != i)
              wrong.fetch_add(1);
          }
        }
        weft::yield();
        for (const std::exception_ptr &each : kept)
          if (each != kept.front())
            wrong.fetch_add(1);
      });
    all.wait();
    EXPECT_EQ(wrong.load(), 0);
    EXPECT_EQ(tracked::alive(), 0);
  });
}

TEST_F(Exceptions, with_nested_keeps_both_across_parks) {
  everywhere([] {
    std::atomic<int> wrong{0};
    const weft::wait_group all;
    for (int i = 0; i < scaled(200); ++i)
      all.go([&, i] {
        try {
          try {
            throw tracked(i);
          } catch (...) {
            weft::yield();
            std::throw_with_nested(std::runtime_error(std::to_string(i)));
          }
        } catch (const std::runtime_error &outer) {
          weft::yield();
          if (outer.what() != std::to_string(i))
            wrong.fetch_add(1);
          try {
            std::rethrow_if_nested(outer);
            wrong.fetch_add(1);
          } catch (const tracked &inner) {
            weft::yield();
            if (inner.id() != i)
              wrong.fetch_add(1);
          }
        }
      });
    all.wait();
    EXPECT_EQ(wrong.load(), 0);
    EXPECT_EQ(tracked::alive(), 0);
  });
}

/// A chain of goroutines: each catches what the one before sent, and throws it
/// on.
TEST_F(Exceptions, pass_through_a_chain_of_goroutines) {
  everywhere([] {
    constexpr int links = 20;
    std::vector<weft::chan<std::exception_ptr>> c(links + 1);
    for (auto &each : c)
      each = weft::chan<std::exception_ptr>();
    for (int i = 0; i < links; ++i)
      weft::go([in = c[static_cast<std::size_t>(i)],
                out = c[static_cast<std::size_t>(i) + 1]] {
        std::exception_ptr error = in.recv().value();
        try {
          std::rethrow_exception(std::move(error));
        } catch (const tracked &) {
          weft::yield();
          out.send(std::current_exception());
        }
      });
    int caught = -1;
    try {
      throw tracked(77);
    } catch (...) {
      c.front().send(std::current_exception());
    }
    try {
      std::rethrow_exception(c.back().recv().value());
    } catch (const tracked &e) {
      caught = e.id();
    }
    EXPECT_EQ(caught, 77);
    c.clear();
    EXPECT_TRUE(weft_test::eventually([] { return tracked::alive() == 0; }));
  });
}

TEST_F(Exceptions, of_tasks_reach_who_joins_them_on_another_thread) {
  everywhere([] {
    std::atomic<int> caught{0};
    const weft::wait_group all;
    for (int i = 0; i < scaled(100); ++i)
      all.go([&, i] {
        auto failing = weft::spawn([i]() -> int {
          weft::yield();
          throw tracked(i);
        });
        try {
          static_cast<void>(failing.get());
        } catch (const tracked &e) {
          weft::yield();
          if (e.id() == i)
            caught.fetch_add(1);
        }
      });
    all.wait();
    EXPECT_EQ(caught.load(), scaled(100));
  });
  EXPECT_TRUE(weft_test::eventually([] { return tracked::alive() == 0; }));
}

} // namespace
