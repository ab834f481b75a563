#!/bin/sh
# runc's own integration tests, from its Debian source package, run with another runtime. Usage: runc-bats.sh WORK [RUNTIME [FILE.bats...]]
#
# WORK keeps the source, so that only the first run needs a network; without RUNTIME it is fetched and nothing else. Prints bats'
# TAP. As root; the tests change control groups, so what should leave nothing behind runs this in enclosure.sh.
set -eu
here=$(dirname "$(readlink -f "$0")")
work=$(mkdir -p "$1" && readlink -f "$1")
runtime=${2-}
shift $(($# > 1 ? 2 : 1))
source=$work/source
tests=$source/tests/integration

fetch() {
  # Lists of packages of its own: most machines have no sources in theirs, and they stay as they are.
  mkdir -p "$work/apt/lists/partial" "$work/apt/archives/partial"
  . /etc/os-release
  # From where the machine has its own packages.
  from=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' | sed -n "s/^$VERSION_CODENAME //p" | head -n 1)
  echo "deb-src $from $VERSION_CODENAME main" >"$work/apt/sources.list"
  set -- -qq -o "Dir::Etc::SourceList=$work/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o "Dir::State::Lists=$work/apt/lists" -o "Dir::Cache=$work/apt"
  (
    cd "$work"
    apt-get "$@" update >&2
    apt-get "$@" source --download-only runc >&2
    tar -xf runc_*.orig.tar.* --one-top-level=source.part --strip-components=1
    mv source.part source
  )
}

# What the tests take from the net, made here: an image with busybox, and the receiver of terminals, which is Go there.
prepare() {
  root=$work/image
  busybox=$(command -v busybox)
  rm -rf "$root"
  mkdir -p "$root/bin" "$root/dev" "$root/etc" "$root/home" "$root/proc" "$root/root" "$root/sys" "$root/tmp" "$root/usr/bin" "$root/var"
  mkdir -p "$root/usr/sbin" "$root/sbin" "$root/var/spool" "$root/var/www"
  for name in $("$busybox" --list); do
    ln -s busybox "$root/bin/$name"
  done
  cp --remove-destination "$busybox" "$root/bin/busybox"
  ln -sf /bin/env "$root/usr/bin/env"
  echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
  printf 'root:x:0:\nusers:x:100:\n' >"$root/etc/group"
  chmod 1777 "$root/tmp"
  tar -C "$root" --owner=0 --group=0 -cf "$work/image.tar" .
  printf '#!/bin/sh\necho BUSYBOX_IMAGE=%s\necho DEBIAN_IMAGE=%s\n' "$work/image.tar" "$work/image.tar" >"$tests/get-images.sh"
  chmod +x "$tests/get-images.sh"
  cp "$here/recvtty.py" "$source/contrib/cmd/recvtty/recvtty"
  # Python starts slower than Go.
  grep -q 'until .* CONSOLE_SOCKET' "$tests/helpers.bash" ||
    sed -i '/"$RECVTTY" --pid-file/a \\tuntil [ -S "$CONSOLE_SOCKET" ]; do sleep 0.02; done # CONSOLE_SOCKET' "$tests/helpers.bash"
  touch "$work/prepared"
}

[ -d "$source" ] || fetch
[ -e "$work/prepared" ] || prepare
[ -n "$runtime" ] || exit 0
cd "$tests"
[ $# -gt 0 ] || set -- *.bats
export RUNC="$runtime" ROOTLESS_FEATURES=
# Many of them want a terminal. A limit of bats' own would be one more child, which some of them wait for.
for file in "$@"; do
  echo "# file $file"
  timeout 300 script -qec "bats --tap $file" /dev/null </dev/null | tr -d '\r'
done
