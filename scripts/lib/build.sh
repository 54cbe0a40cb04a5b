# SPDX-License-Identifier: Apache-2.0
# build_preset <preset> [target...]: configure and build one CMake preset into build/<preset>.

_configure() {
    cmake --preset "$1"
}

_compile() {
    local preset=$1
    shift
    cmake --build --preset "$preset" ${1:+--target "$@"}
}

build_preset() {
    local preset=$1
    quietly "configure build/$preset" _configure "$preset"
    quietly "build build/$preset" _compile "$@"
}

# configure_clang: the release preset with clang, in build/clang.
configure_clang() {
    quietly "configure build/clang" env CC=clang cmake --preset release -B build/clang
}

build_clang() {
    configure_clang
    quietly "build build/clang" cmake --build build/clang
}
