// So many processors as --procs says, by the affinity of the process.
#include <sched.h>

#include "threads.hpp"

int main(int argc, char** argv) {
  const bench::options o = bench::parse(argc, argv);
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
    int left = o.procs;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &allowed) && left-- <= 0) CPU_CLR(cpu, &allowed);
    sched_setaffinity(0, sizeof allowed, &allowed);
  }
  return bench::run_all(o, "std::thread", [](const auto& f) { f(); });
}
