/* The sixth argument of a call by which the watcher on the host knows that a guest made it; also a valid offset of mmap. */
#ifndef MARK_H
#define MARK_H
#define MARK 0x5ed0b7000L
#endif
