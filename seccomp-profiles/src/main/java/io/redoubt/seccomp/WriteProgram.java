package io.redoubt.seccomp;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Writes compiled filters to files, each an array of {@code struct sock_filter}. The build runs it,
 * so that there is no compiler on the way to a guest's first instruction.
 */
public final class WriteProgram {
  private WriteProgram() {}

  /** The compiled filter of this name, or null. */
  private static BpfProgram program(String name) {
    return switch (name) {
      case "guest" -> GuestProfile.program();
      case "sentry" -> SentryProfile.program(SentryProfile.Sockets.OWN);
      case "sentry-net-raw" -> SentryProfile.program(SentryProfile.Sockets.RAW);
      case "sentry-host-network" -> SentryProfile.program(SentryProfile.Sockets.HOST);
      case "gofer" -> GoferProfile.program();
      default -> null;
    };
  }

  /** Takes a folder and the names of filters: guest makes FOLDER/guest.bpf. */
  public static void main(String[] args) throws IOException {
    for (int i = 1; i < args.length; i++) {
      BpfProgram program = program(args[i]);
      if (program == null) {
        System.err.println("no such filter: " + args[i]);
        System.exit(2);
      }
      Files.write(Path.of(args[0], args[i] + ".bpf"), program.toBytes());
    }
    if (args.length < 2) {
      System.err.println("usage: java io.redoubt.seccomp.WriteProgram FOLDER FILTER ...");
      System.exit(2);
    }
  }
}
