package io.redoubt.sentry;

/** Where Redoubt is installed: the folder that holds bin, lib and etc. */
public final class Installation {
  private Installation() {}

  /** The path of a file of the installation. Every jar is in lib, so the class path tells where that is. */
  public static String file(String name) {
    String jars = System.getProperty("java.class.path");
    int colon = jars.indexOf(':');
    String first = colon < 0 ? jars : jars.substring(0, colon);
    int lib = first.lastIndexOf("/lib/");
    if (lib < 0) {
      throw new StartFailure(1, "cannot tell where Redoubt is installed: class path is " + first + "; start it with ./redoubt");
    }
    return first.substring(0, lib + 1) + name;
  }
}
