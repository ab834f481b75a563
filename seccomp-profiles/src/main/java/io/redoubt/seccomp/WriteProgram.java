package io.redoubt.seccomp;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Writes the guest's filter to a file as an array of {@code struct sock_filter}. The build runs it,
 * so that there is no compiler on the way to a guest's first instruction.
 */
public final class WriteProgram {
  private WriteProgram() {}

  /** Takes the name of the file. */
  public static void main(String[] args) throws IOException {
    if (args.length != 1) {
      System.err.println("usage: java io.redoubt.seccomp.WriteProgram FILE");
      System.exit(2);
    }
    Files.write(Path.of(args[0]), GuestProfile.program().toBytes());
  }
}
