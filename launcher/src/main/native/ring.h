/*
 * The ring tier as the guest's side sees it: where things are, and what the words of a slot mean. docs/ring-tier.md tells the
 * whole protocol. The same numbers are in io.redoubt.sentry.ring.RingLayout; a test compares them.
 *
 * No types here: the assembler reads it too.
 */
#ifndef REDOUBT_RING_H
#define REDOUBT_RING_H

/*
 * All at fixed addresses, low enough for a jump through a 32-bit absolute address, and where no linker puts a program
 * (lld and mold begin at 0x200000, ld and Go at 0x400000; below 0x110000 DOS emulators have their memory).
 */
#define RING_TEXT 0x180000   /* the trampoline: r-x, private */
#define RING_DATA 0x181000   /* words of this process: rw-, private, zero again in a forked child */
#define RING_REGION 0x183000 /* shared with the sentry; not there in a forked child, until that has its own */
#define RING_REGION_BYTES 0x63000

#define RING_ENTER 0x180008 /* holds the address to which a rewritten call site jumps */
#define RING_CODE 0x180040
#define RING_THUNKS 0x180a00 /* to the end of the page: thunks of programs that have no room left, and are near enough */

/* Words of RING_DATA. */
#define RING_ATTACHED (RING_DATA + 0) /* 1: the region is mapped */
#define RING_COUNT (RING_DATA + 4)    /* calls that found it was not */
#define RING_BUSY (RING_DATA + 8)     /* 1: a thread is mapping it, or could not */
#define RING_SAVED (RING_DATA + 64)   /* registers of that thread */
#define RING_STACK (RING_DATA + 128)  /* its stack pointer, while it is */
#define RING_MAPS (RING_DATA + 136)   /* the slot of a thread that maps a file: one at a time */

/* A forked child that makes a few calls and goes does not pay for a region. */
#define RING_PATIENCE 16

/* The region's first page: words that the sentry writes. */
#define RING_AWAKE (RING_REGION + 0)    /* 1: somebody looks at the slots */
#define RING_SPINS (RING_REGION + 4)    /* how often a thread looks for its answer before it sleeps */
#define RING_SERVED (RING_REGION + 128) /* a bit for each system call number: 1 if it is worth trying */
#define RING_NUMBERS 512
/* and one that threads of the guest write: a bit for each slot that has ever been used. */
#define RING_USED (RING_REGION + 256)

/* A bit for each descriptor whose file is mapped for writing: what is written there need not come with the call. By the sentry. */
#define RING_WRITABLE (RING_REGION + 384)
#define RING_WRITABLE_FDS 512

/* What the mapping of a file has answered. Cleared by the sentry when it asks for one. */
#define RING_MAPPED (RING_REGION + 448)

/* Memory that is there for as long as the process is: bytes of the table that are used, then start and end of each range. */
#define RING_RANGES (RING_REGION + 512)
#define RING_RANGE (RING_REGION + 528)
#define RING_RANGE_COUNT 16
#define RING_RANGE_WRITABLE 1 /* in the start, which is a page's */

#define RING_SLOTS (RING_REGION + 0x1000) /* a multiple of all slots together: their number is in the address */
#define RING_SLOT_COUNT 32
#define RING_SLOT_BITS 5 /* of that number */
#define RING_SLOT_SHIFT 8 /* 256 bytes each */

/*
 * Three pages for each slot: small things that go with a call, copied by the trampoline. The first two words are the guest's, the third
 * the sentry's. So much holds 8 KiB, with which much is read and written, and ends below 0x200000.
 */
#define RING_PAYLOADS (RING_REGION + 0x3000)
#define RING_PAYLOAD_BYTES 0x3000
#define PAYLOAD_IN 0         /* bytes of the path, with its NUL, or of what is written */
#define PAYLOAD_ROOM 4       /* bytes that may come back */
#define PAYLOAD_OUT 8        /* bytes that do */
#define PAYLOAD_WHOLE 12     /* bytes that could come back or be written, if they need not come through here */
#define PAYLOAD_WINDOW 0     /* of the answer SLOT_DONE_WINDOW: where in the process those of the file are */
#define PAYLOAD_MAPPING 16   /* of the answer SLOT_MAP: address, length, protection and flags */
#define PAYLOAD_BYTES 16
#define PAYLOAD_MAX 12272

/* In SLOT_NR, beside the number. */
#define SLOT_NUMBER_MASK 0xffff
#define SLOT_HAS_PAYLOAD 0x10000

#define KINDS 440 /* no call of a higher number has any */

/* What a call's arguments lead to; RingPayload in the sentry has the same table. */
#define KIND_PATH_DI 1   /* a path, first argument */
#define KIND_PATH_SI 2   /* a path, second argument */
#define KIND_OUT_SI 4    /* gets up to as many bytes as the third argument says, second argument */
#define KIND_STAT_SI 8   /* gets a struct stat, second argument */
#define KIND_STAT_DX 16  /* gets a struct stat, third argument */
#define KIND_IN_SI 32    /* as many bytes as the third argument says, second argument */
#define KIND_OTHER 64    /* none of those but one of these: */
#define KIND_POLL 65     /* struct pollfd, first argument, as many as the second says: there and back */
#define KIND_EVENTS 66   /* gets up to as many struct epoll_event as the third argument says, second argument */
#define KIND_GETCWD 68   /* gets up to as many bytes as the second argument says, first argument */
#define KIND_STATX 72    /* a path, second argument, and gets a struct statx, fifth */
#define STAT_BYTES 144
#define STATX_BYTES 256
#define POLLFD_BYTES 8
#define EVENT_BYTES 12

/* A slot: the first line is shared, the second only ever touched by the guest. */
#define SLOT_STATE 0
#define SLOT_NR 4
#define SLOT_ARGS 8
#define SLOT_RESULT 56
#define SLOT_CLAIM 64
#define SLOT_SEEN 68
#define SLOT_LINK 72
#define SLOT_SAVED 80
#define SLOT_STACK 112 /* the stack pointer of the call that has claimed it */
#define SLOT_BEAT 120  /* changes for as long as the thread looks whether its call has been taken */
#define SLOT_INTENT 128 /* the stack pointer of who was last to try the slot when it was free */

/* States. The guest makes FREE to CALLED, and back if nobody has taken it; the sentry CALLED to SERVING to an answer. */
#define SLOT_FREE 0
#define SLOT_CALLED 1
#define SLOT_SERVING 2
#define SLOT_WAITED 3 /* SERVING, and the thread sleeps on the word */
#define SLOT_DONE 4
#define SLOT_TRAP 5 /* not served here: make the call itself */
#define SLOT_DONE_OUT 6 /* DONE, and the payload is to be copied to where it belongs */
#define SLOT_DONE_WINDOW 7 /* DONE, and the result is so many bytes to be copied from a mapping of the file, or to it */
#define SLOT_MAP 8 /* map a file that is lent for that, and make the call again */

#endif
