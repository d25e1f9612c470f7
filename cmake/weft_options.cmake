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

option(WEFT_TSAN_INTERNALS "Under ThreadSanitizer look for races in weft itself, not in its users"
       OFF)
include(CheckCXXSourceCompiles)
# A project that embeds weft may have the sanitizer in its own flags.
set(weft_saved_target_type "${CMAKE_TRY_COMPILE_TARGET_TYPE}")
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
check_cxx_source_compiles("
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEFT_TSAN
#endif
#endif
#if !defined(__SANITIZE_THREAD__) && !defined(WEFT_TSAN)
#error no ThreadSanitizer
#endif
" WEFT_TSAN_IN_FLAGS)
set(CMAKE_TRY_COMPILE_TARGET_TYPE "${weft_saved_target_type}")
set(weft_tsan_user OFF)
if(("thread" IN_LIST weft_sanitizers OR WEFT_TSAN_IN_FLAGS) AND NOT WEFT_TSAN_INTERNALS)
  set(weft_tsan_user ON)
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

# The library for users of ThreadSanitizer: their code is instrumented, weft's is not, but tells
# what it promises (src/port/switch/told.hpp). Optimised, so that its own copies of inline functions
# are used, and not the user's instrumented ones.
function(weft_tsan_user_options target)
  target_compile_definitions(${target} PRIVATE WEFT_TSAN_USER)
  set(first "${PROJECT_SOURCE_DIR}/src/port/switch/told_counts.hpp")
  target_compile_options(${target} PRIVATE
    "$<$<COMPILE_LANGUAGE:CXX>:-fno-sanitize=thread;-O2>"
    "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-include ${first}>")
  target_compile_options(${target} INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=thread>)
  target_link_options(${target} PUBLIC -fsanitize=thread)
endfunction()

# Everything that is neither a sanitizer nor its opposite.
function(weft_plain_options target)
  weft_warnings(${target})
  if(WEFT_HAS_STACK_CLASH_PROTECTION)
    target_compile_options(${target} PRIVATE
      $<$<COMPILE_LANGUAGE:CXX>:-fstack-clash-protection>)
  endif()
endfunction()

function(weft_compile_options target)
  weft_plain_options(${target})
  if(WEFT_SANITIZE)
    # Public: a sanitizer sees the truth only when the whole program is built with it.
    target_compile_options(${target} PUBLIC
      "$<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${WEFT_SANITIZE};-g1;-O1;-fno-omit-frame-pointer>")
    target_link_options(${target} PUBLIC -fsanitize=${WEFT_SANITIZE})
    if("undefined" IN_LIST weft_sanitizers)
      # vptr: it needs a descriptor to look at an object: false reports when they have run out.
      target_compile_options(${target} PUBLIC
        "$<$<COMPILE_LANGUAGE:CXX>:-fno-sanitize-recover=undefined;-fno-sanitize=vptr>")
    endif()
  endif()
endfunction()
