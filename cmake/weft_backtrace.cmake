# libbacktrace, which comes with GCC, tells files and lines of a stack trace. Optional: without it
# the traces have functions only, as far as the dynamic linker knows them.

option(WEFT_WITH_LIBBACKTRACE "Use libbacktrace, if it is there, for lines in stack traces" ON)

set(weft_has_backtrace OFF)
if(WEFT_WITH_LIBBACKTRACE)
  include(CheckCXXSourceCompiles)
  # In a folder of GCC's own, where clang does not look for headers (and must not: it has others of
  # the same names beside it). So this one is included by its full path.
  find_file(WEFT_BACKTRACE_HEADER backtrace.h
    HINTS ${CMAKE_CXX_IMPLICIT_LINK_DIRECTORIES} PATH_SUFFIXES include)
  mark_as_advanced(WEFT_BACKTRACE_HEADER)
  if(WEFT_BACKTRACE_HEADER)
    # By its plain name, so that an installed weft can be linked elsewhere; and into a shared
    # library, which not every build of it can be.
    set(CMAKE_REQUIRED_FLAGS "-shared -fPIC")
    set(CMAKE_REQUIRED_LIBRARIES backtrace)
    check_cxx_source_compiles("
      #include \"${WEFT_BACKTRACE_HEADER}\"
      void* find() { return backtrace_create_state(nullptr, 1, nullptr, nullptr); }"
      WEFT_LINKS_BACKTRACE)
    unset(CMAKE_REQUIRED_FLAGS)
    unset(CMAKE_REQUIRED_LIBRARIES)
    set(weft_has_backtrace ${WEFT_LINKS_BACKTRACE})
  endif()
endif()

function(weft_use_backtrace target)
  target_link_libraries(${target} PRIVATE ${CMAKE_DL_LIBS})  # dladdr
  if(weft_has_backtrace)
    # Of the whole target: in a unity build a single file has no definitions of its own.
    target_compile_definitions(${target} PRIVATE
      "WEFT_BACKTRACE_HEADER=\"${WEFT_BACKTRACE_HEADER}\"")
    target_link_libraries(${target} PRIVATE backtrace)
  endif()
endfunction()

# What pkg-config must say: a static weft does not bring its libraries.
set(weft_pc_libraries "")
foreach(each IN LISTS CMAKE_DL_LIBS)
  string(APPEND weft_pc_libraries " -l${each}")
endforeach()
if(weft_has_backtrace)
  string(APPEND weft_pc_libraries " -lbacktrace")
endif()
