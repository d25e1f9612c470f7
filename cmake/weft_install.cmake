# What `cmake --install` puts where: a package that may be moved after it was installed.

option(WEFT_INSTALL "Add weft to what `cmake --install` installs" ${PROJECT_IS_TOP_LEVEL})

# The preprocessor's version and the package's version are one.
math(EXPR weft_version_number
  "10000 * ${PROJECT_VERSION_MAJOR} + 100 * ${PROJECT_VERSION_MINOR} + ${PROJECT_VERSION_PATCH}")
file(STRINGS "${CMAKE_CURRENT_SOURCE_DIR}/include/weft/version.hpp" weft_version_line
     REGEX "^#define WEFT_VERSION ${weft_version_number}( |$)")
if(NOT weft_version_line)
  message(FATAL_ERROR "include/weft/version.hpp: WEFT_VERSION is not ${weft_version_number}, "
                      "which is ${PROJECT_VERSION} in CMakeLists.txt")
endif()

if(NOT WEFT_INSTALL)
  return()
endif()

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(weft_packaging "${CMAKE_CURRENT_SOURCE_DIR}/packaging")
set(weft_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/weft")
set(weft_pkgconfig_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

install(TARGETS weft EXPORT weft-targets
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
  FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(EXPORT weft-targets NAMESPACE weft:: DESTINATION "${weft_package_dir}")

write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/weft-config-version.cmake"
  COMPATIBILITY SameMinorVersion)  # before 1.0 a minor version may change the API
install(FILES "${weft_packaging}/weft-config.cmake"
              "${CMAKE_CURRENT_BINARY_DIR}/weft-config-version.cmake"
        DESTINATION "${weft_package_dir}")

# weft.pc finds its prefix from its own place, unless the builder asked for absolute folders.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(weft_pc_prefix "${CMAKE_INSTALL_PREFIX}")
  set(weft_pc_libdir "${CMAKE_INSTALL_LIBDIR}")
else()
  file(RELATIVE_PATH weft_pc_up "/${weft_pkgconfig_dir}" "/")
  string(REGEX REPLACE "/$" "" weft_pc_up "${weft_pc_up}")
  set(weft_pc_prefix "\${pcfiledir}/${weft_pc_up}")
  set(weft_pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
endif()
if(IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  set(weft_pc_includedir "${CMAKE_INSTALL_INCLUDEDIR}")
else()
  set(weft_pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
set(weft_pc_sanitize "")
if(WEFT_SANITIZE)
  set(weft_pc_sanitize " -fsanitize=${WEFT_SANITIZE}")
endif()
configure_file("${weft_packaging}/weft.pc.in" "${CMAKE_CURRENT_BINARY_DIR}/weft.pc" @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/weft.pc" DESTINATION "${weft_pkgconfig_dir}")

install(FILES LICENSE README.md CHANGELOG.md DESTINATION "${CMAKE_INSTALL_DOCDIR}")

# The gdb extension. For a shared library gdb finds it by itself, if the prefix is one that it looks
# in and trusts (such as /usr); else: source <prefix>/share/weft/gdb/weft-gdb.py
install(DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}/tools/gdb/"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/weft/gdb" FILES_MATCHING PATTERN "*.py")
if(BUILD_SHARED_LIBS)
  set(weft_gdb_auto_load "${CMAKE_CURRENT_BINARY_DIR}/libweft.so.${PROJECT_VERSION}-gdb.py")
  file(WRITE "${weft_gdb_auto_load}"
    "import gdb\n\ngdb.execute('source ${CMAKE_INSTALL_FULL_DATADIR}/weft/gdb/weft-gdb.py')\n")
  install(FILES "${weft_gdb_auto_load}"
    DESTINATION "${CMAKE_INSTALL_DATADIR}/gdb/auto-load${CMAKE_INSTALL_FULL_LIBDIR}")
endif()
