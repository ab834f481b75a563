/* Commands about the installation itself. */
#ifndef REDOUBT_CHECK_H
#define REDOUBT_CHECK_H

/* check: says feature by feature whether this machine can run sandboxes, and what to do where it cannot. 0 if it can, else 1. */
int check_main(int argc, char **argv);

/* uninstall: the script of that name, which can remove this program. */
_Noreturn void uninstall_main(char **argv);

#endif
