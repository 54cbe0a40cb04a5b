# SPDX-License-Identifier: Apache-2.0
# Which version HEAD is, and its sources as one file.

# The version that the tree has or will have.
tree_version() {
    sed -n 's/^project(shadowplug VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt
}

# As Debian orders them: a commit that is not the release comes before it.
debian_version() {
    local version
    version=$(tree_version)
    if [[ $(git describe --tags --exact-match HEAD 2>/dev/null) != "v$version" ]]; then
        version+="~git$(TZ=UTC git log -1 --format=%cd --date=format-local:%Y%m%d%H%M%S).$(git rev-parse --short HEAD)"
    fi
    printf '%s\n' "$version"
}

# source_tarball <commit> <version> <file.tar.xz>: the same bytes wherever and whenever it is made. Times
# are those of the commit, and one thread compresses alike on every machine.
source_tarball() {
    git archive --format=tar --prefix="shadowplug-$2/" "$1" | xz --threads=1 -6 >"$3"
}
