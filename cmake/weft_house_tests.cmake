# Tests of the tree itself rather than of the library: its style, the switch for another CPU, what
# the hot paths cost.

find_package(Python3 REQUIRED COMPONENTS Interpreter)

add_test(NAME tidy COMMAND Python3::Interpreter -B "${CMAKE_CURRENT_SOURCE_DIR}/tools/tidy.py")
add_test(NAME tidy_rules
  COMMAND Python3::Interpreter -B "${CMAKE_CURRENT_SOURCE_DIR}/tools/test_tidy.py")
set_tests_properties(tidy tidy_rules PROPERTIES LABELS "house")

add_subdirectory(tests/aarch64)
add_subdirectory(bench/gate)
