#include "fibers.hpp"

int main(int argc, char** argv) { return bench::run_in_fiber(bench::parse(argc, argv)); }
