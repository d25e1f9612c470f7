# The choices a builder has, and the flags that follow from them.

option(BUILD_SHARED_LIBS "Build weft as a shared library" OFF)
option(WEFT_BUILD_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(WEFT_BUILD_EXAMPLES "Build the examples" ${PROJECT_IS_TOP_LEVEL})
option(WEFT_BUILD_BENCH "Build the benchmarks" ${PROJECT_IS_TOP_LEVEL})
# One translation unit: the hot paths cross files, and are a tenth slower without inlining.
option(WEFT_UNITY "Compile the library as one translation unit" ON)
option(WEFT_WERROR "Treat warnings as errors" OFF)
set(WEFT_SANITIZE "" CACHE STRING
    "Sanitizers for weft and all that links to it: address, thread, undefined, or a comma list")

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()
if(PROJECT_IS_TOP_LEVEL)
  # Tests, examples and benchmarks follow; a project that embeds weft decides for itself.
  set(CMAKE_CXX_STANDARD 20)
  set(CMAKE_CXX_STANDARD_REQUIRED ON)
  set(CMAKE_CXX_EXTENSIONS OFF)
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
endif()

string(REPLACE "," ";" weft_sanitizers "${WEFT_SANITIZE}")
foreach(each IN LISTS weft_sanitizers)
  if(NOT each MATCHES "^(address|thread|undefined)$")
    message(FATAL_ERROR "WEFT_SANITIZE: unknown sanitizer '${each}' "
                        "(address, thread, undefined, or a comma list)")
  endif()
endforeach()
if("address" IN_LIST weft_sanitizers AND "thread" IN_LIST weft_sanitizers)
  message(FATAL_ERROR "WEFT_SANITIZE: address and thread cannot be combined")
endif()

include(CheckCXXCompilerFlag)
# A frame larger than the guard below a stack would step over it; clang lacks this on some CPUs.
check_cxx_compiler_flag("-Werror -fstack-clash-protection" WEFT_HAS_STACK_CLASH_PROTECTION)

# Warnings for code of this project. Never for the code of those who use it.
function(weft_warnings target)
  target_compile_options(${target} PRIVATE
    "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Wconversion;-Wshadow>")
  # GCC 12 sees an overlap in `"..." + std::string` that is not there (its bug 105651).
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
  endif()
  if(WEFT_WERROR)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Werror>)
  endif()
endfunction()

function(weft_compile_options target)
  weft_warnings(${target})
  if(WEFT_HAS_STACK_CLASH_PROTECTION)
    target_compile_options(${target} PRIVATE
      $<$<COMPILE_LANGUAGE:CXX>:-fstack-clash-protection>)
  endif()
  if(WEFT_SANITIZE)
    # Public: a sanitizer sees the truth only when the whole program is built with it.
    target_compile_options(${target} PUBLIC
      "$<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${WEFT_SANITIZE};-g1;-O1;-fno-omit-frame-pointer>")
    target_link_options(${target} PUBLIC -fsanitize=${WEFT_SANITIZE})
    if("undefined" IN_LIST weft_sanitizers)
      target_compile_options(${target} PUBLIC
        $<$<COMPILE_LANGUAGE:CXX>:-fno-sanitize-recover=undefined>)
    endif()
  endif()
endfunction()
