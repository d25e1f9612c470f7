// Exceptions and parking: the ABI keeps exception state per thread, weft keeps it per goroutine.

#include <atomic>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "weft_test.hpp"

namespace {

using weft_test::everywhere;
using weft_test::scaled;

using Exceptions = weft_test::fixture;

constexpr int goroutines = 24;

/// Parks in one of several ways, so that switches of every kind happen between many goroutines.
class parking_place {
 public:
  void park(int way) const {
    switch (way % 4) {
      case 0:
        weft::yield();
        break;
      case 1:
        c_.send_for(way, std::chrono::microseconds(50));
        break;
      case 2:
        c_.recv_for(std::chrono::microseconds(50));
        break;
      default:
        weft::sleep_for(std::chrono::microseconds(20));
    }
  }

 private:
  weft::chan<int> c_;
};

/// Runs `f(id, place)` in many goroutines, many times.
template <class F>
void in_many(F f) {
  weft::wait_group all;
  const parking_place place;
  for (int id = 0; id < goroutines; ++id)
    all.go([=] {
      for (int round = 0; round < scaled(60); ++round) f(id * 1000 + round, place);
    });
  all.wait();
}

TEST_F(Exceptions, AParkInsideACatchBlockKeepsTheException) {
  everywhere([] {
    in_many([](int id, const parking_place& place) {
      try {
        throw std::runtime_error(std::to_string(id));
      } catch (const std::runtime_error& e) {
        place.park(id);
        ASSERT_EQ(e.what(), std::to_string(id));
        place.park(id + 1);
        ASSERT_EQ(e.what(), std::to_string(id));
      }
      ASSERT_EQ(std::current_exception(), nullptr);
    });
  });
}

TEST_F(Exceptions, RethrowAfterAMigrationIsTheSameOne) {
  everywhere([] {
    in_many([](int id, const parking_place& place) {
      int caught = -1;
      try {
        try {
          throw id;
        } catch (...) {
          place.park(id);
          throw;
        }
      } catch (int v) {
        place.park(id + 1);
        caught = v;
      }
      ASSERT_EQ(caught, id);
    });
  });
}

TEST_F(Exceptions, NestedHandlersUnwindToTheirOwn) {
  everywhere([] {
    in_many([](int id, const parking_place& place) {
      try {
        throw id;
      } catch (int) {
        place.park(id);
        try {
          throw std::string(1, 'x');
        } catch (const std::string& inner) {
          place.park(id + 1);
          ASSERT_EQ(inner, "x");
        }
        place.park(id + 2);
        try {
          throw;  // the outer one is current again
        } catch (int again) {
          ASSERT_EQ(again, id);
        }
      }
    });
  });
}

TEST_F(Exceptions, CurrentExceptionBelongsToTheGoroutine) {
  everywhere([] {
    in_many([](int id, const parking_place& place) {
      ASSERT_EQ(std::current_exception(), nullptr);
      if (id % 3 == 0) {
        place.park(id);
        ASSERT_EQ(std::current_exception(), nullptr) << "another goroutine's exception";
        return;
      }
      try {
        throw id;
      } catch (int) {
        const std::exception_ptr before = std::current_exception();
        place.park(id);
        ASSERT_EQ(std::current_exception(), before);
      }
    });
  });
}

/// Parks while an exception unwinds it.
class parks_at_end {
 public:
  parks_at_end(int id, const parking_place& place, int expected)
      : id_(id), place_(place), expected_(expected) {}
  parks_at_end(const parks_at_end&) = delete;
  parks_at_end& operator=(const parks_at_end&) = delete;
  ~parks_at_end() {
    EXPECT_EQ(std::uncaught_exceptions(), expected_);
    place_.park(id_);
    EXPECT_EQ(std::uncaught_exceptions(), expected_) << "the count changed during a park";
  }

 private:
  int id_;
  const parking_place& place_;
  int expected_;
};

TEST_F(Exceptions, ADestructorMayParkDuringUnwinding) {
  everywhere([] {
    in_many([](int id, const parking_place& place) {
      int caught = -1;
      try {
        const parks_at_end outer(id, place, 1);
        const parks_at_end inner(id + 1, place, 1);
        throw id;
      } catch (int v) {
        caught = v;
      }
      ASSERT_EQ(caught, id);
      ASSERT_EQ(std::uncaught_exceptions(), 0);
    });
  });
}

TEST_F(Exceptions, UncaughtExceptionsCountPerGoroutine) {
  everywhere([] {
    in_many([](int id, const parking_place& place) {
      if (id % 2 == 0) {
        const parks_at_end calm(id, place, 0);
        place.park(id);
        ASSERT_EQ(std::uncaught_exceptions(), 0) << "another goroutine's unwinding";
        return;
      }
      try {
        const parks_at_end unwound(id, place, 1);
        throw id;
      } catch (int) {
      }
    });
  });
}

TEST_F(Exceptions, UnwindingMayThrowAndCatchInside) {
  everywhere([] {
    in_many([](int id, const parking_place& place) {
      std::string inner;
      try {
        weft::defer cleanup{[&] {
          try {
            place.park(id);
            throw std::runtime_error("inner");
          } catch (const std::runtime_error& e) {
            place.park(id + 1);
            inner = e.what();
          }
        }};
        throw id;
      } catch (int v) {
        ASSERT_EQ(v, id);
      }
      ASSERT_EQ(inner, "inner");
    });
  });
}

TEST_F(Exceptions, ExceptionPointersTravelThroughChannels) {
  everywhere([] {
    const weft::chan<std::exception_ptr> errors(4);
    for (int i = 0; i < 20; ++i)
      weft::go([=] {
        std::exception_ptr error;
        try {
          throw i;
        } catch (...) {
          error = std::current_exception();
        }
        // Owned by one at a time: ThreadSanitizer does not see the standard library count owners.
        errors.send(std::move(error));
      });
    int sum = 0;
    for (int i = 0; i < 20; ++i) {
      try {
        std::rethrow_exception(errors.recv().value());
      } catch (int v) {
        weft::yield();
        sum += v;
      }
    }
    EXPECT_EQ(sum, 190);
  });
}

TEST_F(Exceptions, AGoroutineStartedInACatchBlockHasNone) {
  everywhere([] {
    const weft::chan<bool> clean;
    try {
      throw 1;
    } catch (int) {
      weft::go([=] { clean.send(std::current_exception() == nullptr); });
      EXPECT_EQ(clean.recv(), true);
      EXPECT_NE(std::current_exception(), nullptr);
    }
  });
}

TEST_F(Exceptions, WhatAnOperationThrowsIsCaughtOnTheOtherSideOfAPark) {
  everywhere([] {
    in_many([](int id, const parking_place& place) {
      const weft::chan<int> c;
      weft::go([=] { c.close(); });
      bool caught = false;
      try {
        c.send(id);
      } catch (const weft::closed_channel&) {
        place.park(id);
        caught = true;
      }
      ASSERT_TRUE(caught);
    });
  });
}

}  // namespace
