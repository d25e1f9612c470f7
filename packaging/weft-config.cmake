# find_package(weft CONFIG) gives the target weft::weft.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
include("${CMAKE_CURRENT_LIST_DIR}/weft-targets.cmake")
