# SPDX-License-Identifier: Apache-2.0
include(${CMAKE_CURRENT_LIST_DIR}/debian.cmake)
debian_toolchain(aarch64-linux-gnu aarch64 qemu-aarch64-static)
