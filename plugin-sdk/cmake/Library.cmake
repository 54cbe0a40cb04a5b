# SPDX-License-Identifier: Apache-2.0
# libssplugin: the objects of all layers, which programs of this build link one by one, as one
# shared and one static library with nothing to see but the public functions.

# ssp_library(<layers...>): the targets ssplugin::ssplugin and ssplugin::static.
function(ssp_library)
  set(objects "")
  foreach(layer ${ARGN})
    list(APPEND objects $<TARGET_OBJECTS:${layer}>)
  endforeach()
  _ssp_shared_library("${objects}")
  _ssp_static_library("${objects}")
  foreach(library ssplugin ssplugin_static)
    add_dependencies(${library} ${ARGN})
    target_include_directories(${library} INTERFACE
      $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
    target_compile_features(${library} INTERFACE c_std_11)
  endforeach()
endfunction()

function(_ssp_shared_library objects)
  set(map ${PROJECT_SOURCE_DIR}/libssplugin.map)
  add_library(ssplugin SHARED ${objects})
  add_library(ssplugin::ssplugin ALIAS ssplugin)
  set_target_properties(ssplugin PROPERTIES
    VERSION ${PROJECT_VERSION} SOVERSION ${SSP_ABI} LINKER_LANGUAGE C LINK_DEPENDS ${map})
  target_link_libraries(ssplugin
    PRIVATE ssp_flags PkgConfig::SSP_EVENT PkgConfig::SSP_CARES Threads::Threads)
  target_link_options(ssplugin PRIVATE
    LINKER:--version-script=${map} LINKER:--gc-sections LINKER:-O1 LINKER:--hash-style=gnu
    LINKER:-z,noseparate-code) # pages that are half empty would be a twentieth of the file
  if(NOT SSP_SANITIZE AND NOT SSP_FUZZ AND NOT SSP_COVERAGE)
    target_link_options(ssplugin PRIVATE LINKER:-z,defs) # an instrumented one lacks its runtime
  endif()
endfunction()

# One relocatable object, so that what the layers share among themselves can be made local: a
# program may then have functions of the same names.  Link-time optimisation has no such objects.
function(_ssp_static_library objects)
  set(local ${objects})
  if(CMAKE_OBJCOPY AND NOT CMAKE_INTERPROCEDURAL_OPTIMIZATION AND NOT CMAKE_C_FLAGS MATCHES "-flto")
    set(local ${CMAKE_CURRENT_BINARY_DIR}/ssplugin.o)
    add_custom_command(OUTPUT ${local}
      COMMAND ${CMAKE_C_COMPILER} -r -nostdlib -o ${local} ${objects}
      COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${local}
      DEPENDS ${objects} ${ARGN}
      COMMAND_EXPAND_LISTS VERBATIM)
  endif()
  add_library(ssplugin_static STATIC ${local})
  add_library(ssplugin::static ALIAS ssplugin_static)
  set_target_properties(ssplugin_static PROPERTIES
    OUTPUT_NAME ssplugin EXPORT_NAME static LINKER_LANGUAGE C)
  target_link_libraries(ssplugin_static
    PRIVATE PkgConfig::SSP_EVENT PkgConfig::SSP_CARES Threads::Threads)
endfunction()
