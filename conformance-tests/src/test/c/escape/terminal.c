/* What a terminal lets its holder do to others. */
#include "escape.h"

#include <termios.h>

static int own_terminal(int *master) {
  int number = 0, zero = 0;
  char name[64];
  *master = STEP(open("/dev/ptmx", O_RDWR | O_NOCTTY));
  STEP(ioctl(*master, TIOCSPTLCK, &zero));
  STEP(ioctl(*master, TIOCGPTN, &number));
  snprintf(name, sizeof name, "/dev/pts/%d", number);
  int slave = STEP(open(name, O_RDWR | O_NOCTTY));
  STEP(ioctl(slave, TIOCSCTTY, 0));
  return slave;
}
ESCAPE(BARE, typed_into_its_terminal) {
  /* CVE-2005-4890 and others: a command for the shell that has started this. */
  int master, slave = own_terminal(&master);
  ATTEMPT(ioctl(slave, TIOCSTI, "x"));
}
ESCAPE(BARE, terminal_hung_up) {
  int master, slave = own_terminal(&master);
  signal(SIGHUP, SIG_IGN);
  ATTEMPT(ioctl(slave, 0x5437 /* TIOCVHANGUP */));
}
ESCAPE(BARE, terminal_of_the_machine) {
  /* The console of the machine, by its node or by an own one. */
  int fd = open("/dev/tty0", O_RDONLY | O_NOCTTY | O_NONBLOCK);
  if (fd == -1) fd = open("/dev/console", O_RDONLY | O_NOCTTY | O_NONBLOCK);
  struct stat st;
  STEP(fd);
  STEP(fstat(fd, &st));
  if (S_ISCHR(st.st_mode) && (st.st_rdev == 0x400 || st.st_rdev == 0x501)) out("opened it");
  held("another terminal");
}
