package io.redoubt.overhead.suites;

import java.util.List;

/**
 * A whole program as a workload, in shell. What is timed is `run`; `setup` goes before it in the
 * same sandbox, and what it leaves in the background (a server) ends with the sandbox.
 *
 * @param needs programs that must be installed; a name with a slash is a file below the input
 *     directory
 * @param printsFigure whether `run` prints its figure itself, in ns, as its last line, instead of
 *     being timed
 */
record App(
    String name,
    String title,
    List<String> needs,
    String setup,
    String run,
    boolean quick,
    Double target,
    boolean printsFigure) {
  static App of(String name, String title, String needs, String run) {
    return new App(name, title, List.of(needs.split(" ")), "", run, false, null, false);
  }

  App after(String commands) {
    return new App(name, title, needs, commands, run, quick, target, printsFigure);
  }

  App quickly() {
    return new App(name, title, needs, setup, run, true, target, printsFigure);
  }

  App target(double ratio) {
    return new App(name, title, needs, setup, run, quick, ratio, printsFigure);
  }

  App printingItsFigure() {
    return new App(name, title, needs, setup, run, quick, target, true);
  }
}
