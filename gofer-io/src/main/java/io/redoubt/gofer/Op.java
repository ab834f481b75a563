package io.redoubt.gofer;

/** Numbers of the operations; {@link Protocol} says what each takes and gives. */
final class Op {
  static final int ATTACH = 1;
  static final int WALK = 2;
  static final int GETATTR = 3;
  static final int SETATTR = 4;
  static final int OPEN = 5;
  static final int CREATE = 6;
  static final int READ = 7;
  static final int WRITE = 8;
  static final int READDIR = 9;
  static final int READLINK = 10;
  static final int MKDIR = 11;
  static final int MKNOD = 12;
  static final int SYMLINK = 13;
  static final int LINK = 14;
  static final int UNLINK = 15;
  static final int RENAME = 16;
  static final int FSYNC = 17;
  static final int STATFS = 18;
  static final int GETXATTR = 19;
  static final int LISTXATTR = 20;
  static final int SETXATTR = 21;
  static final int REMOVEXATTR = 22;
  static final int TRUNCATE = 23;
  static final int FALLOCATE = 24;
  static final int CLOSE = 25;
  static final int LIST = 26;
  static final int SCAN = 27;
  static final int WATCHES = 28;
  static final int WATCH = 29;

  private Op() {}

  /** Whether an operation changes nothing, on either side. */
  static boolean isLookUp(int op) {
    return switch (op) {
      case WALK,
          GETATTR,
          OPEN,
          READ,
          READDIR,
          READLINK,
          STATFS,
          GETXATTR,
          LISTXATTR,
          LIST,
          SCAN,
          WATCHES,
          WATCH ->
          true;
      default -> false;
    };
  }
}
