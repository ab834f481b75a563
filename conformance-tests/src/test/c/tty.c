/* Pseudo terminals: line discipline, signals from the keyboard, job control, window size, hangup. */
#include "harness.h"
#include <pty.h>
#include <termios.h>

static int master, slave;

static void open_pty(void) {
  master = MUST(posix_openpt(O_RDWR | O_NOCTTY));
  MUST(grantpt(master));
  MUST(unlockpt(master));
  slave = MUST(open(ptsname(master), O_RDWR | O_NOCTTY));
}

/* Sets and clears bits of the local flags. */
static void local_flags(tcflag_t set, tcflag_t clear) {
  struct termios t;
  MUST(tcgetattr(slave, &t));
  t.c_lflag = (t.c_lflag | set) & ~clear;
  MUST(tcsetattr(slave, TCSANOW, &t));
}

static void say_read(const char *what, int fd) {
  char b[256];
  struct pollfd pfd = {fd, POLLIN, 0};
  if (poll(&pfd, 1, 300) == 0) {
    say("%s: nothing", what);
    return;
  }
  ssize_t n = read(fd, b, sizeof b);
  if (n == -1)
    say("%s: -1 %s", what, errno_name(errno));
  else
    say_bytes(what, b, n);
}

static void type(const char *text) {
  if (write(master, text, strlen(text)) != (ssize_t)strlen(text)) say("type failed: %s", errno_name(errno));
}

CASE(open_a_pair) {
  struct stat st;
  SHOW(posix_openpt(O_RDWR | O_NOCTTY));
  int n = -1;
  SHOW(ioctl(3, TIOCGPTN, &n));
  say("number %d", n >= 0);
  SHOW(open(ptsname(3), O_RDWR | O_NOCTTY));
  SHOW(grantpt(3));
  SHOW(unlockpt(3));
  SHOW(open(ptsname(3), O_RDWR | O_NOCTTY));
  SHOW(isatty(3));
  SHOW(isatty(4));
  MUST(fstat(4, &st));
  say("%s major %ld", type_name(st.st_mode), (long)(st.st_rdev >> 8) & 0xff);
  char name[64];
  SHOW(ttyname_r(4, name, sizeof name));
  SHOW(strcmp(name, ptsname(3)));
  SHOW(ioctl(4, TIOCGPTN, &n));
  SHOW(lseek(4, 0, SEEK_SET));
}

CASE(default_settings) {
  struct termios t;
  open_pty();
  SHOW(tcgetattr(slave, &t));
  say("iflag %#o oflag %#o cflag %#o lflag %#o", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag);
  say("intr %d quit %d erase %d kill %d eof %d susp %d min %d time %d", t.c_cc[VINTR], t.c_cc[VQUIT], t.c_cc[VERASE],
      t.c_cc[VKILL], t.c_cc[VEOF], t.c_cc[VSUSP], t.c_cc[VMIN], t.c_cc[VTIME]);
  say("speed %d", cfgetospeed(&t) == B38400);
}

CASE(canonical_line) {
  open_pty();
  local_flags(0, ECHO);
  type("hel");
  say_read("before newline", slave);
  type("lo\nnext\n");
  say_read("line", slave);
  say_read("line", slave);
  say_read("line", slave);
}

CASE(short_reads_of_a_line) {
  char b[3];
  open_pty();
  local_flags(0, ECHO);
  type("abcdef\n");
  SHOW(read(slave, b, 3));
  SHOW(read(slave, b, 3));
  SHOW(read(slave, b, 3));
}

CASE(editing) {
  open_pty();
  local_flags(0, ECHO);
  type("abc\x7f\x7fxy\n");
  say_read("erase", slave);
  type("forget\x15kept\n");
  say_read("kill", slave);
  type("two words\x17gone\n");
  say_read("word erase", slave);
  type("\x7f\x7f\x7fz\n");
  say_read("erase at start", slave);
  type("a\x16\x03z\n");
  say_read("literal next", slave);
}

CASE(end_of_file) {
  open_pty();
  local_flags(0, ECHO);
  type("part\x04");
  say_read("part", slave);
  type("\x04");
  say_read("end", slave);
  type("more\n");
  say_read("line", slave);
}

CASE(echo) {
  open_pty();
  type("ab\n");
  say_read("echoed", master);
  say_read("line", slave);
  type("abc\x7f\x7f\n");
  say_read("echoed erase", master);
  type("x\x15\n");
  say_read("echoed kill", master);
  type("\x01\x1b[A\n");
  say_read("echoed controls", master);
}

CASE(carriage_return_becomes_newline) {
  struct termios t;
  open_pty();
  local_flags(0, ECHO);
  type("line\r");
  say_read("ICRNL", slave);
  MUST(tcgetattr(slave, &t));
  t.c_iflag &= ~ICRNL;
  MUST(tcsetattr(slave, TCSANOW, &t));
  type("line\r\n");
  say_read("no ICRNL", slave);
}

CASE(output_processing) {
  struct termios t;
  open_pty();
  MUST(write(slave, "a\nb\n", 4));
  say_read("ONLCR", master);
  MUST(tcgetattr(slave, &t));
  t.c_oflag &= ~OPOST;
  MUST(tcsetattr(slave, TCSANOW, &t));
  MUST(write(slave, "a\nb\n", 4));
  say_read("raw", master);
}

static void raw(int min, int time) {
  struct termios t;
  MUST(tcgetattr(slave, &t));
  cfmakeraw(&t);
  t.c_cc[VMIN] = min;
  t.c_cc[VTIME] = time;
  MUST(tcsetattr(slave, TCSANOW, &t));
}

CASE(raw_mode) {
  char b[16];
  open_pty();
  raw(1, 0);
  type("\x03\x04\x7f\r");
  say_read("raw", slave);
  say_read("nothing echoed", master);
  raw(0, 0);
  SHOW(read(slave, b, 16));
  type("xy");
  let_it_block();
  SHOW(read(slave, b, 16));
  raw(0, 2);
  long start = now_ms();
  SHOW(read(slave, b, 16));
  say_took("200 ms", start, 195);
}

CASE(minimum_count) {
  char b[16];
  open_pty();
  raw(5, 0);
  pid_t pid = fork();
  if (pid == 0) {
    type("abc");
    let_it_block();
    type("de");
    _exit(0);
  }
  SHOW(read(slave, b, 16));
  reap("typist", pid);
  /* Poll says ready only when the minimum is there. */
  struct pollfd pfd = {slave, POLLIN, 0};
  type("xy");
  SHOW(poll(&pfd, 1, 50));
  type("zzz");
  SHOW(poll(&pfd, 1, 300));
}

CASE(between_characters) {
  char b[16];
  open_pty();
  raw(10, 1);
  type("abc");
  long start = now_ms();
  SHOW(read(slave, b, 16));
  say_took("100 ms", start, 95);
}

CASE(nonblocking_read) {
  char b[16];
  open_pty();
  MUST(fcntl(slave, F_SETFL, O_NONBLOCK));
  SHOW(read(slave, b, 16));
  MUST(fcntl(master, F_SETFL, O_NONBLOCK));
  SHOW(read(master, b, 16));
}

CASE(window_size) {
  struct winsize w = {0};
  open_pty();
  SHOW(ioctl(slave, TIOCGWINSZ, &w));
  say("%d x %d", w.ws_row, w.ws_col);
  w.ws_row = 40;
  w.ws_col = 120;
  SHOW(ioctl(master, TIOCSWINSZ, &w));
  memset(&w, 0, sizeof w);
  SHOW(ioctl(slave, TIOCGWINSZ, &w));
  say("%d x %d", w.ws_row, w.ws_col);
  SHOW(ioctl(slave, TIOCGWINSZ, BAD_POINTER));
}

static volatile sig_atomic_t got;

static void note(int number) { got = number; }

/* A session of its own with the slave as its terminal. */
static void take_terminal(void) {
  MUST(setsid());
  MUST(ioctl(slave, TIOCSCTTY, 0));
  close(master);
}

CASE(keyboard_signals) {
  int numbers[] = {SIGINT, SIGQUIT, SIGTSTP};
  const char *keys[] = {"\x03", "\x1c", "\x1a"};
  for (int i = 0; i < 3; i++) {
    struct baton ready = new_baton();
    open_pty();
    pid_t pid = fork();
    if (pid == 0) {
      take_terminal();
      struct sigaction action = {.sa_handler = note};
      sigaction(numbers[i], &action, NULL);
      pass(ready);
      while (!got) pause();
      say("got %s", signal_name(got));
      _exit(0);
    }
    await(ready);
    sleep_ms(30);
    type(keys[i]);
    reap("foreground", pid);
    say_read("echoed", master);
    close(master);
    close(slave);
  }
}

CASE(keyboard_interrupt_kills_by_default) {
  struct baton ready = new_baton();
  open_pty();
  pid_t pid = fork();
  if (pid == 0) {
    take_terminal();
    pass(ready);
    for (;;) pause();
  }
  await(ready);
  type("\x03");
  reap("foreground", pid);
}

CASE(no_signal_without_isig) {
  open_pty();
  local_flags(0, ECHO | ISIG);
  type("a\x03\n");
  say_read("line", slave);
}

CASE(controlling_terminal) {
  open_pty();
  pid_t pid = fork();
  if (pid == 0) {
    SHOW(open("/dev/tty", O_RDWR));
    MUST(setsid());
    SHOW(ioctl(slave, TIOCSCTTY, 0));
    int tty = SHOW(open("/dev/tty", O_RDWR)) ;
    SHOW(isatty(tty));
    SHOW(tcgetpgrp(tty) == getpgrp());
    SHOW(tcgetsid(slave) == getsid(0));
    char line[1024];
    int fd = open("/proc/self/stat", O_RDONLY);
    line[MUST(read(fd, line, sizeof line - 1))] = 0;
    int nr = 0, tpgid = 0;
    sscanf(strrchr(line, ')') + 2, "%*c %*d %*d %*d %d %d", &nr, &tpgid);
    say("tty_nr set %d tpgid own %d", nr != 0, tpgid == getpgrp());
    /* Giving it up hangs up the whole session. */
    signal(SIGHUP, SIG_IGN);
    signal(SIGCONT, SIG_IGN);
    SHOW(ioctl(tty, TIOCNOTTY));
    SHOW(open("/dev/tty", O_RDWR));
    _exit(0);
  }
  reap("child", pid);
}

CASE(terminal_by_opening) {
  open_pty();
  char name[64];
  strcpy(name, ptsname(master));
  pid_t pid = fork();
  if (pid == 0) {
    MUST(setsid());
    /* A session leader without a terminal gets the one it opens. */
    SHOW(open(name, O_RDWR) >= 0);
    SHOW(open("/dev/tty", O_RDWR) >= 0);
    _exit(0);
  }
  reap("child", pid);
}

CASE(foreground_group) {
  open_pty();
  pid_t pid = fork();
  if (pid == 0) {
    take_terminal();
    signal(SIGTTOU, SIG_IGN);
    pid_t job = fork();
    if (job == 0) {
      setpgid(0, 0);
      pause();
    }
    setpgid(job, job);
    SHOW(tcsetpgrp(slave, job));
    SHOW(tcgetpgrp(slave) == job);
    SHOW(tcsetpgrp(slave, 999999));
    SHOW(tcsetpgrp(slave, getpgrp()));
    kill(job, SIGKILL);
    reap("job", job);
    SHOW(tcsetpgrp(0, getpgrp()));
    signal(SIGHUP, SIG_IGN);
    _exit(0);
  }
  reap("leader", pid);
}

CASE(background_read_stops) {
  open_pty();
  pid_t pid = fork();
  if (pid == 0) {
    take_terminal();
    pid_t job = fork();
    if (job == 0) {
      char c;
      setpgid(0, 0);
      read(slave, &c, 1);
      _exit(0);
    }
    int status;
    setpgid(job, job);
    MUST(waitpid(job, &status, WUNTRACED));
    say_status("background reader", status);
    kill(job, SIGKILL);
    reap("background reader", job);
    _exit(0);
  }
  reap("leader", pid);
}

CASE(background_write) {
  open_pty();
  pid_t pid = fork();
  if (pid == 0) {
    take_terminal();
    for (int tostop = 0; tostop < 2; tostop++) {
      if (tostop) local_flags(TOSTOP, 0);
      pid_t job = fork();
      if (job == 0) {
        setpgid(0, 0);
        write(slave, "x", 1);
        _exit(0);
      }
      int status;
      setpgid(job, job);
      MUST(waitpid(job, &status, WUNTRACED));
      say_status("background writer", status);
      kill(job, SIGKILL);
    }
    _exit(0);
  }
  reap("leader", pid);
}

CASE(hangup_when_the_master_closes) {
  struct baton ready = new_baton();
  open_pty();
  pid_t pid = fork();
  if (pid == 0) {
    char b[8];
    take_terminal();
    signal(SIGHUP, note);
    pass(ready);
    while (!got) pause();
    say("got %s", signal_name(got));
    SHOW(read(slave, b, 8));
    SHOW(write(slave, "x", 1));
    struct pollfd pfd = {slave, POLLIN, 0};
    SHOW(poll(&pfd, 1, 0));
    say("hup %d err %d", (pfd.revents & POLLHUP) != 0, (pfd.revents & POLLERR) != 0);
    struct termios t;
    SHOW(tcgetattr(slave, &t));
    _exit(0);
  }
  await(ready);
  close(slave);
  close(master);
  reap("session", pid);
}

CASE(master_sees_the_slave_close) {
  open_pty();
  MUST(write(slave, "last words", 10));
  close(slave);
  say_read("data", master);
  say_read("after", master);
  struct pollfd pfd = {master, POLLIN, 0};
  SHOW(poll(&pfd, 1, 100));
  say("hup %d", (pfd.revents & POLLHUP) != 0);
  slave = MUST(open(ptsname(master), O_RDWR | O_NOCTTY));
  SHOW(poll(&pfd, 1, 0));
}

CASE(exit_of_the_leader_hangs_up) {
  struct baton ready = new_baton();
  open_pty();
  int p[2];
  MUST(pipe(p));
  pid_t pid = fork();
  if (pid == 0) {
    take_terminal();
    if (fork() == 0) {
      signal(SIGHUP, note);
      pass(ready);
      while (!got) pause();
      say("foreground got %s", signal_name(got));
      write(p[1], "x", 1);
      _exit(0);
    }
    await(ready);
    _exit(0);
  }
  char c;
  SHOW(read(p[0], &c, 1));
  reap("leader", pid);
}

CASE(flush_and_drain) {
  open_pty();
  local_flags(0, ECHO);
  type("lost\n");
  let_it_block();
  SHOW(tcflush(slave, TCIFLUSH));
  say_read("after flush", slave);
  SHOW(tcdrain(slave));
  SHOW(tcsendbreak(slave, 0));
  SHOW(tcflush(slave, 99));
  int n = -1;
  type("12345\n");
  let_it_block();
  SHOW(ioctl(slave, FIONREAD, &n));
  SHOW(n);
}

CASE(packet_and_lock) {
  int on = 1, locked = -1;
  master = MUST(posix_openpt(O_RDWR | O_NOCTTY));
  SHOW(ioctl(master, TIOCGPTLCK, &locked));
  SHOW(locked);
  SHOW(open(ptsname(master), O_RDWR | O_NOCTTY));
  MUST(unlockpt(master));
  slave = MUST(open(ptsname(master), O_RDWR | O_NOCTTY));
  SHOW(ioctl(master, TIOCPKT, &on));
  MUST(write(slave, "abc", 3));
  say_read("packet", master);
}

CASE(errors) {
  struct termios t;
  int p[2];
  MUST(pipe(p));
  SHOW(tcgetattr(p[0], &t));
  SHOW(tcgetattr(77, &t));
  SHOW(isatty(p[0]));
  SHOW(ioctl(p[0], TIOCGWINSZ, &t));
  SHOW(tcgetpgrp(p[0]));
  open_pty();
  SHOW(ioctl(slave, TCGETS, BAD_POINTER));
  SHOW(ioctl(slave, 0x54ff, 0));
  SHOW(open("/dev/pts/9999", O_RDWR));
  SHOW(tcsetpgrp(slave, getpgrp()));
}

CASE(shell_on_a_terminal) {
  open_pty();
  pid_t pid = fork();
  if (pid == 0) {
    take_terminal();
    for (int i = 0; i < 3; i++) dup2(slave, i);
    execl("/bin/sh", "sh", "-c", "stty -echo; echo ready; read line; echo \"got $line\"; [ -t 0 ] && echo terminal", (char *)NULL);
    _exit(1);
  }
  close(slave);
  char text[1000] = "";
  size_t at = 0;
  int typed = 0;
  for (;;) {
    struct pollfd pfd = {master, POLLIN, 0};
    if (poll(&pfd, 1, 5000) <= 0) break;
    ssize_t n = read(master, text + at, sizeof text - 1 - at);
    if (n <= 0) break;
    at += n;
    text[at] = 0;
    if (!typed && strstr(text, "ready")) {
      type("some words\n");
      typed = 1;
    }
  }
  say_bytes("screen", text, at);
  reap("shell", pid);
}
