# SPDX-License-Identifier: Apache-2.0
include(${CMAKE_CURRENT_LIST_DIR}/debian.cmake)
debian_toolchain(arm-linux-gnueabihf armv7l qemu-arm-static)
