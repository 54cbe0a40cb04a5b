# SPDX-License-Identifier: Apache-2.0
# The components that `cmake --install` puts down: sdk (for authors), tools, and runtime (the library).
include(CMakePackageConfigHelpers)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/ssplugin)
set(made ${CMAKE_CURRENT_BINARY_DIR}/package)

configure_package_config_file(cmake/ssplugin-config.cmake.in ${made}/ssplugin-config.cmake
  INSTALL_DESTINATION ${package} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${made}/ssplugin-config-version.cmake
  COMPATIBILITY SameMinorVersion)
# A path below the prefix is written relative to the file itself: the prefix may be chosen, or the
# tree moved, after the build.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(SSP_PC_PREFIX ${CMAKE_INSTALL_PREFIX})
else()
  file(RELATIVE_PATH up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
  set(SSP_PC_PREFIX "\${pcfiledir}/${up}")
endif()
foreach(dir LIBDIR INCLUDEDIR)
  set(SSP_PC_${dir} ${CMAKE_INSTALL_${dir}})
  if(NOT IS_ABSOLUTE "${SSP_PC_${dir}}")
    set(SSP_PC_${dir} "\${prefix}/${SSP_PC_${dir}}")
  endif()
endforeach()
set(libraries ssplugin ssplugin_static ssplugin_testing)
set(names ssplugin ssplugin-testing)
if(TARGET ssplugin_crypto)
  list(APPEND libraries ssplugin_crypto)
  list(APPEND names ssplugin-crypto)
endif()
foreach(name IN LISTS names)
  set(pc ${name}.pc)
  configure_file(${pc}.in ${made}/${pc} @ONLY)
  install(FILES ${made}/${pc} DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT sdk)
endforeach()

install(TARGETS ${libraries} EXPORT ssplugin
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT sdk
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT sdk
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT sdk
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT ssplugin NAMESPACE ssplugin:: FILE ssplugin-targets.cmake
  DESTINATION ${package} COMPONENT sdk)
install(FILES ${made}/ssplugin-config.cmake ${made}/ssplugin-config-version.cmake
  DESTINATION ${package} COMPONENT sdk)
install(DIRECTORY include/ssplugin DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT sdk)
install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/ssplugin COMPONENT sdk
  FILES_MATCHING PATTERN "*.c" PATTERN "*.py" PATTERN CMakeLists.txt)

if(TARGET ss-plugin)
  install(TARGETS ss-plugin COMPONENT tools)
  ssp_completion(ss-plugin COMPONENT tools)
endif()

if(NOT TARGET uninstall)
  add_custom_target(uninstall VERBATIM
    COMMAND ${CMAKE_COMMAND} "-DMANIFESTS=${CMAKE_BINARY_DIR}/install_manifest*.txt"
            -P ${CMAKE_CURRENT_SOURCE_DIR}/cmake/uninstall.cmake)
endif()
