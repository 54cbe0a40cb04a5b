# SPDX-License-Identifier: Apache-2.0
# One target per layer: a layer links what it may use, and nothing else.
include_guard()
include(CheckCSourceCompiles)

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(SSP_WERROR "warnings are errors" OFF)
option(SSP_HARDEN "hardening flags of a release" ON)
set(SSP_SANITIZE "" CACHE STRING "sanitizers, as for -fsanitize=")
option(SSP_FUZZ "build the fuzz targets with libFuzzer (clang)" OFF)
option(SSP_COVERAGE "instrument for coverage" OFF)

# clang 17 knows -fzero-call-used-regs and crashes where a function ends with such a call.
set(_ssp_probe "
  struct row { int (*start)(void *key); };
  int restart(void *key, const struct row *row);
  int restart(void *key, const struct row *row) { return row->start(key); }
  int main(void) { return 0; }")

# _ssp_flag(<flag> <condition>): where the compiler knows it, and the condition holds for a target.
function(_ssp_flag flag condition)
  string(MAKE_C_IDENTIFIER "SSP_HAS${flag}" has)
  # clang knows flags of other machines, and warns of them in every file.
  set(CMAKE_REQUIRED_FLAGS "-Werror -O2 ${flag}")
  check_c_source_compiles("${_ssp_probe}" ${has})
  if(${has})
    target_compile_options(ssp_flags INTERFACE $<${condition}:${flag}>)
  endif()
endfunction()

# ssp_flags: what every source of the project is compiled with.
add_library(ssp_flags INTERFACE)
# Files and directories of 64-bit inodes on 32-bit machines; not times of 64 bits, which would have to
# be those of libevent, too.
target_compile_definitions(ssp_flags INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64)
target_compile_options(ssp_flags INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wformat=2 -Wvla -Wcast-qual -Wundef
  -Wstrict-prototypes -Wmissing-prototypes -Wimplicit-fallthrough -Wnull-dereference
  -fno-strict-aliasing -fno-delete-null-pointer-checks)
# The same program from any directory: debug information names files from the root of the tree.
target_compile_options(ssp_flags INTERFACE
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}/= -ffile-prefix-map=${CMAKE_BINARY_DIR}=build)
if(SSP_WERROR)
  target_compile_options(ssp_flags INTERFACE -Werror)
endif()

# A layer that is better small than fast: SSP_SMALL is set in its directory.
set(small $<BOOL:$<TARGET_PROPERTY:SSP_SMALL>>)
set(released $<CONFIG:Release,RelWithDebInfo>)
target_compile_options(ssp_flags INTERFACE $<$<AND:${small},${released}>:-Os>)
_ssp_flag(-Oz $<AND:${small},${released}>)
_ssp_flag(-fno-plt $<AND:${small},${released}>) # all is bound at start: stubs are dead weight

if(SSP_SANITIZE)
  target_compile_options(ssp_flags INTERFACE
    -fsanitize=${SSP_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(ssp_flags INTERFACE -fsanitize=${SSP_SANITIZE})
else()
  # Nothing unwinds through C but debuggers, and these read the debug information.
  target_compile_options(ssp_flags INTERFACE -ffunction-sections -fno-asynchronous-unwind-tables)
endif()
if(SSP_HARDEN AND NOT SSP_SANITIZE)
  foreach(flag -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero
               -fno-strict-overflow)
    _ssp_flag(${flag} 1)
  endforeach()
  # Shadow stacks everywhere; no kernel tracks the branches of programs yet.
  _ssp_flag(-fcf-protection=return ${small})
  _ssp_flag(-fcf-protection=full $<NOT:${small}>)
  _ssp_flag(-mbranch-protection=standard 1) # the same of arm64
  _ssp_flag(-fzero-call-used-regs=used-gpr $<NOT:${small}>) # keys are in the core
  target_compile_options(ssp_flags INTERFACE
    $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=3>)
  target_link_options(ssp_flags INTERFACE
    -Wl,-z,relro,-z,now,-z,noexecstack
    $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-pie>
    $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-Wl,-z,separate-code>)
endif()
if(SSP_FUZZ)
  target_compile_options(ssp_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(SSP_COVERAGE)
  target_compile_options(ssp_flags INTERFACE --coverage)
  target_link_options(ssp_flags INTERFACE --coverage)
endif()

function(_ssp_common name)
  target_link_libraries(${name} PRIVATE ssp_flags)
  set_target_properties(${name} PROPERTIES
    C_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON C_EXTENSIONS OFF
    SSP_SMALL "${SSP_SMALL}")
endfunction()

# ssp_layer(<name> ROOT <include root> SOURCES <files> USES <layers and libraries>)
# The only way to add code to a library of the project.
function(ssp_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 layer "" "ROOT" "SOURCES;USES")
  add_library(${name} STATIC ${layer_SOURCES})
  target_include_directories(${name} PUBLIC ${layer_ROOT})
  target_link_libraries(${name} PUBLIC ${layer_USES})
  set_property(GLOBAL APPEND PROPERTY SSP_LAYERS ${name})
  _ssp_common(${name})
endfunction()

# ssp_program(<name> SOURCES <files> USES <layers and libraries>)
function(ssp_program name)
  cmake_parse_arguments(PARSE_ARGV 1 program "" "" "SOURCES;USES")
  add_executable(${name} ${program_SOURCES})
  target_link_libraries(${name} PRIVATE ${program_USES})
  set_property(GLOBAL APPEND PROPERTY SSP_LAYERS ${name})
  _ssp_common(${name})
endfunction()
