// A bank: transfers lock both accounts at once, in any order, and no money is lost. One who will
// not wait for long takes a timeout.
#include <array>
#include <cstdio>
#include <mutex>

#include <weft/weft.hpp>

using namespace std::chrono_literals;

struct account {
  weft::mutex m;
  int balance = 1'000;
};

void transfer(account& from, account& to, int amount) {
  const std::scoped_lock both(from.m, to.m);
  from.balance -= amount;
  to.balance += amount;
}

int main() {
  std::array<account, 3> bank;
  const weft::wait_group all;
  for (std::size_t i = 0; i < 300; ++i)
    all.go([&bank, i] { transfer(bank[i % 3], bank[(i + 1 + i % 2) % 3], 10); });
  all.wait();
  int sum = 0;
  for (const account& a : bank) sum += a.balance;
  std::printf("all together: %d\n", sum);

  const std::lock_guard guard(bank[0].m);
  all.go([&bank] {
    const std::unique_lock patient(bank[0].m, 1ms);
    std::printf("the account is %s\n", patient ? "mine" : "busy");
  });
  all.wait();
}

// Prints:
// all together: 3000
// the account is busy
