#!/bin/bash
# needs: perl
cd "$(mktemp -d)" || exit 1
perl -e 'print "hello\n"; exit 3'; echo "exit $?"
perl -ne 'print if /^root:/' /etc/passwd | wc -l
perl - <<'END'
use strict; use warnings;
use File::Temp qw(tempfile); use File::Find; use POSIX qw(:sys_wait_h strftime); use Socket; use IO::Select; use Fcntl qw(:flock :mode);
my %h; $h{length $_}++ for split /\s+/, "the quick brown fox jumps over the lazy dog"; print join(",", map { "$_=$h{$_}" } sort keys %h), "\n";
pipe(my $r, my $w); my $pid = fork;
if (!$pid) { close $r; print $w "from child $_\n" for 1 .. 3; close $w; exit 4 }
close $w; print while <$r>; waitpid $pid, 0; print "status ", $? >> 8, "\n";
my ($fh, $name) = tempfile(UNLINK => 1); print $fh "x" x 10000; close $fh; print -s $name, "\n";
$SIG{ALRM} = sub { print "alarm\n" }; alarm 1; select undef, undef, undef, 3;
my $out = `echo backticks; exit 2`; print $out, $? >> 8, "\n";
socketpair(my $x, my $y, AF_UNIX, SOCK_STREAM, PF_UNSPEC); syswrite $x, "socket\n"; my $line = <$y>; print $line;
my $n = 0; find(sub { $n++ if -f }, "/usr/include/linux"); print $n > 100 ? "found\n" : "few\n";
open my $l, ">", "lock"; print flock($l, LOCK_EX | LOCK_NB) ? "locked\n" : "not\n";
print strftime("%F", gmtime 0), "\n"; my @s = stat "lock"; printf "%o\n", S_IMODE($s[2]);
local $SIG{CHLD} = "IGNORE"; system("true"); kill 0, $$ and print "alive\n"; my @sorted = sort { $a <=> $b } map { ($_ * 7919) % 1009 } 1 .. 1000; print "$sorted[0] $sorted[-1]\n";
open my $p, "-|", "seq", "1", "5"; my $sum = 0; $sum += $_ while <$p>; print "$sum\n"; print "$0\n";
opendir my $d, "/proc/self/fd"; my @fds = grep { /^\d+$/ } readdir $d; print @fds > 3 ? "fds\n" : "none\n"; exec "echo", "exec'd";
END
