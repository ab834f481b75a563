package io.redoubt.sentry.net;

import static io.redoubt.host.Errno.EINVAL;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * struct sockaddr_un (unix(7)): a family and a path, an abstract name that begins with a NUL, or
 * nothing.
 */
final class UnixAddress {
  static final int AF_UNIX = 1;

  /** offsetof(struct sockaddr_un, sun_path) */
  static final int PATH = 2;

  private static final int SIZEOF = 110;

  /** The address of a socket without a name. */
  static final byte[] UNNAMED = {AF_UNIX, 0};

  private UnixAddress() {}

  static int family(byte[] address) {
    return address.length < 2 ? -1 : address[0] & 0xff | (address[1] & 0xff) << 8;
  }

  /** unix_validate_addr(). @return 0 or -EINVAL */
  static int check(byte[] address) {
    boolean ok = address.length > PATH && address.length <= SIZEOF && family(address) == AF_UNIX;
    return ok ? 0 : -EINVAL;
  }

  static boolean isAbstract(byte[] address) {
    return address[PATH] == 0;
  }

  /** The path of a checked address that is not abstract. */
  static String path(byte[] address) {
    int end = PATH;
    while (end < address.length && address[end] != 0) {
      end++;
    }
    return new String(address, PATH, end - PATH, StandardCharsets.ISO_8859_1);
  }

  /** A path address as the kernel keeps it: up to and with its NUL. */
  static byte[] normalised(byte[] address) {
    return Arrays.copyOf(address, PATH + path(address).length() + 1);
  }
}
