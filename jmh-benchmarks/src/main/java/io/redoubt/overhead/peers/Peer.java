package io.redoubt.overhead.peers;

import io.redoubt.overhead.host.Place;
import io.redoubt.overhead.results.Workload;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A runtime that is measured: how it runs a command so that the command sees what all others see.
 */
public interface Peer {
  /** The name on the command line and in results.json. */
  String name();

  String title();

  /** Whether it is another with something changed: measured only when it is asked for by name. */
  default boolean isVariant() {
    return false;
  }

  /** Why it cannot be measured on this machine, with what to do about it; empty if it can. */
  Optional<String> unavailable();

  /** What the program says of its version, in one line. */
  String version();

  /**
   * The words that run a command in it.
   *
   * @param id a name that is unique while the command runs; "{n}" in it is replaced by a number
   *     where several are started at once
   */
  List<String> command(Place place, String id, List<String> guest);

  /** The words in front of OCI's commands, create, start and so on, and the bundle for them. */
  record Oci(List<String> words, Path bundle) {}

  /** Prepares a bundle and says how it is started in several commands; empty if it cannot be. */
  default Optional<Oci> oci(Place place, String id, List<String> guest) {
    return Optional.empty();
  }

  /** Makes what the command above needs on disk. */
  default void prepare(Place place, String id, List<String> guest) {}

  /** Removes what is left when the command has ended, however it did. */
  default void clean(Place place, String id) {}

  /** Whether it wants a directory as root, and cannot do with "/". */
  default boolean needsRootDirectory() {
    return false;
  }

  /** Whether it is made for this workload at all; if not, there is no cell. */
  default boolean covers(Workload w) {
    return true;
  }

  /**
   * Whether guests share namespaces with the host, so that a probe which might change it needs some
   * of its own.
   */
  default boolean sharesNamespaces() {
    return false;
  }
}
