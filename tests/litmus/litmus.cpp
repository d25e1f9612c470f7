// Runs the litmus program whose name is given, as a goroutine or on the main thread.
#include "litmus.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace litmus {
namespace {

const program* all = nullptr;

}  // namespace

program::program(const char* n, void (*r)()) : name(n), run(r), next(all) { all = this; }

void planted_write(int& where, int value) { where = value; }
int planted_read(const int& where) { return where; }
void planted_add(int& where) { where = where + 1; }

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "litmus: not so: %s\n", what);
  std::_Exit(3);
}

}  // namespace litmus

int main(int argc, char** argv) {
  const bool on_thread = argc == 3 && std::strcmp(argv[2], "thread") == 0;
  for (const litmus::program* p = litmus::all; argc >= 2 && p; p = p->next) {
    if (std::strcmp(p->name, argv[1]) != 0) continue;
    if (on_thread)
      p->run();
    else
      weft::run(p->run);
    return 0;
  }
  std::fprintf(stderr, "usage: litmus program [thread]\n");
  return 2;
}
