# Maven's log to one line a test class.
s/^\[[A-Z]*\] Tests run: \([0-9]*\), Failures: 0, Errors: 0, Skipped: 0, Time elapsed: \([0-9.]* s\) -- in \(.*\)/  ok      \3: \1, \2/p
t
s/^\[[A-Z]*\] Tests run: \([0-9]*\), Failures: 0, Errors: 0, Skipped: \([0-9]*\), Time elapsed: \([0-9.]* s\) -- in \(.*\)/  ok      \4: \1 (\2 skipped), \3/p
t
s/^\[[A-Z]*\] Tests run: \([0-9]*\), Failures: \([0-9]*\), Errors: \([0-9]*\), Skipped: \([0-9]*\), Time elapsed: \([0-9.]* s\) .*-- in \(.*\)/  FAILED  \6: \1 (\2 failures, \3 errors, \4 skipped), \5/p
