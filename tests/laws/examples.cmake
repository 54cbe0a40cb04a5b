# SPDX-License-Identifier: Apache-2.0
# laws_example(<file> <codec> <options>): plugin-sdk/examples/<file>.c keeps every law.
function(laws_example name codec options)
  set(test laws_example_${name})
  add_executable(${test} ${CMAKE_CURRENT_SOURCE_DIR}/example_laws.c)
  target_compile_definitions(${test} PRIVATE
    EXAMPLE="${PROJECT_SOURCE_DIR}/plugin-sdk/examples/${name}.c" CODEC=${codec} OPTIONS="${options}")
  # Examples are written for the flags of others, and their main() is nobody's here.
  target_link_libraries(${test} PRIVATE ssplugin_testing ssplugin_static ssp_flags)
  set_source_files_properties(${CMAKE_CURRENT_SOURCE_DIR}/example_laws.c PROPERTIES
    COMPILE_OPTIONS "-Wno-missing-prototypes;-Wno-unused-parameter")
  set_target_properties(${test} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${test} COMMAND ${test})
  set_tests_properties(${test} PROPERTIES TIMEOUT 120 LABELS laws)
endfunction()

laws_example(xor xor_codec key=42)
laws_example(http-upgrade http_upgrade path=/p)
laws_example(datagram datagram key=secret)
laws_example(keepalive keepalive silence=30000)
laws_example(stacked records "")
pkg_check_modules(ZLIB IMPORTED_TARGET zlib)
if(ZLIB_FOUND)
  laws_example(deflate deflate_codec "")
  target_link_libraries(laws_example_deflate PRIVATE PkgConfig::ZLIB)
endif()

add_library(example_codec OBJECT ${PROJECT_SOURCE_DIR}/plugin-sdk/examples/http-upgrade.c)
target_compile_definitions(example_codec PRIVATE main=http_upgrade_main)
target_link_libraries(example_codec PRIVATE ssplugin_static)
target_sources(laws_example_stacked PRIVATE $<TARGET_OBJECTS:example_codec>)
