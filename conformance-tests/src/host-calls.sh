#!/bin/sh
# Which host calls sentry and gofer make once they are confined, against what their filters allow: records both with strace(1) while
# every family of differential cases runs in a sandbox, in memory and in a directory of the host. A process that is recorded is slow,
# so some cases fail on their clocks; what is recorded is what counts.
#   host-calls.sh DIST [FAMILY...]     DIST is launcher/target/dist. Prints a table for each of the two
set -eu
dist=$(readlink -f "$1")
shift
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bound" "$work/logs"
chmod 755 "$work"

# In place of the JVM (REDOUBT_JAVA): the same, recorded. The front kills it with the sandbox, and the log stays.
cat >"$work/java" <<END
#!/bin/sh
name=sentry
for word; do [ "\$word" != io.redoubt.gofer.GoferMain ] || name=gofer; done
exec strace -f -qq -e signal=none -o "$work/logs/\$name.\$\$" "$dist/bin/redoubt-jvm" "\$@"
END
chmod 755 "$work/java"

[ $# -gt 0 ] || set -- $(cd "$here/test/c" && ls ./*.c | sed 's/^\.\///; s/\.c$//')
for family; do
  gcc -O2 -static -pthread -o "$work/$family" "$here/test/c/$family.c" 2>/dev/null || continue
  echo "$family" >&2
  case $family in raw | packets) option=--net-raw ;; *) option=--network=none ;; esac
  for place in /tmp /bound; do
    REDOUBT_JAVA=$work/java timeout -k 5 "${SECONDS_EACH:-60}" "$dist/bin/redoubt-front" do "$option" --bind "$work:/mnt:ro" --bind "$work/bound:/bound" -- \
      "/mnt/$family" --dir "$place" >/dev/null 2>&1 </dev/null || true
  done
done

for name in sentry gofer; do
  # From the load of the filter on; a line of a call is PID NAME(.
  cat "$work/logs/$name".* | awk '
    { id = FILENAME; call = $2; sub(/\(.*/, "", call) }
    /seccomp\(SECCOMP_SET_MODE_FILTER/ { on = 1; next }
    /execve\(/ { on = 0 }
    on && call ~ /^[a-z0-9_]+$/ { count[call]++ }
    END { for (call in count) print call, count[call] }' | sort >"$work/$name.made"
  "$dist/bin/redoubt-front" profile "$name" | awk '
    /^native:/ { on = 1; next } /^denied:/ { on = 0 }
    on && /^  [a-z]/ { print $1 }' | sort >"$work/$name.allowed"
  echo "$name: $(wc -l <"$work/$name.allowed") allowed, $(join "$work/$name.allowed" "$work/$name.made" | wc -l) of them made"
  echo "made:"
  join "$work/$name.allowed" "$work/$name.made" | sort -k2,2nr | awk '{ printf "  %s %d\n", $1, $2 }'
  echo "never made: $(join -v1 "$work/$name.allowed" "$work/$name.made" | tr '\n' ' ')"
done
