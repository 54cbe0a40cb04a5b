# SPDX-License-Identifier: Apache-2.0
# debian_toolchain(<GNU triplet> <processor> <emulator>): Debian's cross compiler, and the libraries of
# that architecture beside those of this one.
function(debian_toolchain triplet processor emulator)
  set(CMAKE_SYSTEM_NAME Linux PARENT_SCOPE)
  set(CMAKE_SYSTEM_PROCESSOR ${processor} PARENT_SCOPE)
  set(CMAKE_C_COMPILER ${triplet}-gcc PARENT_SCOPE)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${emulator} PARENT_SCOPE)
  set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER PARENT_SCOPE)
  set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/${triplet}/pkgconfig:/usr/share/pkgconfig)
endfunction()
