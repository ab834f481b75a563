# Maven's log to one line a module.
s/^\[INFO\] Building \([^ ]*\) .*\[\([0-9]*\)\/\([0-9]*\)\]$/redoubt: \1 (\2 of \3)/p
