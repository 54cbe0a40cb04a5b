# SPDX-License-Identifier: Apache-2.0
# Debian's musl-gcc, and the static libraries that scripts/build musl makes with it: static programs.
set(CMAKE_C_COMPILER musl-gcc)
set(libraries $ENV{HOME}/.cache/shadowplug/musl)
if(DEFINED ENV{XDG_CACHE_HOME})
  set(libraries $ENV{XDG_CACHE_HOME}/shadowplug/musl)
endif()
set(ENV{PKG_CONFIG_LIBDIR} ${libraries}/lib/pkgconfig)
set(CMAKE_C_STANDARD_INCLUDE_DIRECTORIES ${libraries}/include) # of the kernel
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
