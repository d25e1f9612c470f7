// A pool: three workers take jobs from one channel, whoever is free takes the next, and results
// come back on another. Closing `jobs` sends the workers home; when the last has left, `results`
// is closed too.
#include <iostream>
#include <string>

#include <weft/weft.hpp>

struct result {
  int job;
  long sum;
};

long sum_up_to(int n) {
  long sum = 0;
  for (int i = 1; i <= n; ++i) sum += i;
  return sum;
}

int main() {
  weft::chan<int> jobs(8);
  weft::chan<result> results(8);

  weft::wait_group workers;
  for (int w = 0; w < 3; ++w)
    workers.go([=] {
      for (int job : jobs) results.send({job, sum_up_to(job * 1000)});
    });
  weft::go([=] {
    for (int job = 1; job <= 9; ++job) jobs.send(job);
    jobs.close();
    workers.wait();
    results.close();
  });

  for (const auto& [job, sum] : results)
    std::cout << "job " + std::to_string(job) + ": " + std::to_string(sum) + "\n";
}
