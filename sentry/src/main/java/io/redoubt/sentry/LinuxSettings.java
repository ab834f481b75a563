package io.redoubt.sentry;

import java.util.List;

/**
 * {@code linux} of an OCI configuration, as far as it is the sentry's. Paths are absolute, in the
 * guest.
 *
 * @param devices nodes to make besides the standard ones
 * @param maskedPaths what is to be there with nothing in it
 * @param readonlyPaths what is not to be written
 * @param sysctls names and values in turn
 * @param userMap guest's first, host's first, count triples; empty: its ids are the host's
 * @param groupMap the same
 * @param hasMappedGofer whether the gofer is in the guest's user namespace, and sees its ids
 * @param machine of uname(2); null: the host's
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record LinuxSettings(
    List<Device> devices,
    List<String> maskedPaths,
    List<String> readonlyPaths,
    List<String> sysctls,
    String machine,
    int[] userMap,
    int[] groupMap,
    boolean hasMappedGofer) {
  /**
   * A device node, or a fifo.
   *
   * @param type S_IFCHR, S_IFBLK or S_IFIFO
   */
  public record Device(String path, int type, int major, int minor, int mode, int uid, int gid) {}
}
