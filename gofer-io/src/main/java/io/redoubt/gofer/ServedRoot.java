package io.redoubt.gofer;

/**
 * A root that the gofer has opened.
 *
 * @param fd O_PATH descriptor
 * @param flags of {@link Root}
 */
record ServedRoot(int fd, int flags) {
  boolean isReadOnly() {
    return (flags & Root.READ_ONLY) != 0;
  }

  boolean staysOnDevice() {
    return (flags & Root.NO_XDEV) != 0;
  }

  boolean allowsDevices() {
    return (flags & Root.ALLOW_DEVICES) != 0;
  }
}
