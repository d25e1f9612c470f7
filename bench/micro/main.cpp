#include "bench.hpp"

int main(int argc, char** argv) { return bench::run_all(bench::parse(argc, argv)); }
