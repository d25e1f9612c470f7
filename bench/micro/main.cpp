#include "bench.hpp"

int main(int argc, char** argv) { return bench::run_in_goroutine(bench::parse(argc, argv)); }
