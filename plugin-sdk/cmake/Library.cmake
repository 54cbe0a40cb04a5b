# SPDX-License-Identifier: Apache-2.0
# The libraries that others link: the objects of the layers, which programs of this build link one by one, as
# libraries with nothing to see but the public functions.

# ssp_library(<layers...>): libssplugin, as ssplugin::ssplugin (shared) and ssplugin::static.
function(ssp_library)
  _ssp_shared_library(${ARGN})
  _ssp_static_library(ssplugin_static NAME ssplugin EXPORT static LAYERS ${ARGN})
  target_link_libraries(ssplugin_static
    PRIVATE PkgConfig::SSP_EVENT PkgConfig::SSP_CARES Threads::Threads)
endfunction()

# ssp_testing_library(<layers...>): libssplugin-testing, as ssplugin::testing.  It calls public
# functions only and brings none of them: the program links it beside the libssplugin of its choice.
function(ssp_testing_library)
  _ssp_static_library(ssplugin_testing NAME ssplugin-testing EXPORT testing LAYERS ${ARGN})
endfunction()

# ssp_crypto_library(<layers...>): libssplugin-crypto, as ssplugin::crypto, in the same way.
function(ssp_crypto_library)
  _ssp_static_library(ssplugin_crypto NAME ssplugin-crypto EXPORT crypto LAYERS ${ARGN})
  target_link_libraries(ssplugin_crypto PRIVATE PkgConfig::SSP_LIBCRYPTO)
endfunction()

function(_ssp_interface library export)
  add_library(ssplugin::${export} ALIAS ${library})
  target_include_directories(${library} INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)
  target_compile_features(${library} INTERFACE c_std_11)
endfunction()

function(_ssp_objects variable)
  set(objects ${ARGN})
  list(TRANSFORM objects REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>")
  set(${variable} ${objects} PARENT_SCOPE)
endfunction()

function(_ssp_shared_library)
  set(map ${PROJECT_SOURCE_DIR}/libssplugin.map)
  _ssp_objects(objects ${ARGN})
  add_library(ssplugin SHARED ${objects})
  add_dependencies(ssplugin ${ARGN})
  _ssp_interface(ssplugin ssplugin)
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
function(_ssp_static_library library)
  cmake_parse_arguments(PARSE_ARGV 1 static "" "NAME;EXPORT" "LAYERS")
  _ssp_objects(objects ${static_LAYERS})
  set(local ${objects})
  if(CMAKE_OBJCOPY AND NOT CMAKE_INTERPROCEDURAL_OPTIMIZATION AND NOT CMAKE_C_FLAGS MATCHES "-flto")
    set(local ${CMAKE_CURRENT_BINARY_DIR}/${static_NAME}.o)
    add_custom_command(OUTPUT ${local}
      COMMAND ${CMAKE_C_COMPILER} -r -nostdlib -o ${local} ${objects}
      COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${local}
      DEPENDS ${objects} ${static_LAYERS}
      COMMAND_EXPAND_LISTS VERBATIM)
  endif()
  add_library(${library} STATIC ${local})
  add_dependencies(${library} ${static_LAYERS})
  set_target_properties(${library} PROPERTIES
    OUTPUT_NAME ${static_NAME} EXPORT_NAME ${static_EXPORT} LINKER_LANGUAGE C)
  _ssp_interface(${library} ${static_EXPORT})
endfunction()
