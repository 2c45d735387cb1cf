# SPDX-License-Identifier: Apache-2.0
# Sourced by demo, check and bench/run: installs what is missing of build-packages.txt, and builds.
# Expects `root`, the source folder.

say() {
    printf '\n== %s\n' "$*"
}

missing_packages() {
    sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$root/packaging/build-packages.txt" | while read -r package; do
        state=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) || state=absent
        [ "$state" = "install ok installed" ] || echo "$package"
    done
}

install_packages() {
    missing=$(missing_packages)
    [ -n "$missing" ] || return 0
    say "installing packages:" $missing
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "These packages are missing, and there is no sudo to install them with. As root, run:" >&2
            echo "  apt-get install --no-install-recommends" $missing >&2
            exit 1
        fi
        as_root=sudo
    fi
    $as_root apt-get update -q
    # shellcheck disable=SC2086 # a list of names
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
}

# build FOLDER [cmake options]: configures and builds there; with `targets` only these, else everything.
build() {
    folder=$1
    shift
    mkdir -p "$folder"
    cmake -S "$root" -B "$folder" -G Ninja "$@" >"$folder/configure.log" 2>&1 || {
        cat "$folder/configure.log" >&2
        exit 1
    }
    # shellcheck disable=SC2086 # a list of names
    cmake --build "$folder" ${targets:+--target $targets}
}
