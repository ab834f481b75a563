package io.redoubt.overhead.results;

/**
 * One row.
 *
 * @param suite micro, apps, startup, density, isolation or command
 * @param name stable, unique within its suite
 * @param title for people
 * @param unit ns, bytes or count; less is better in all of them
 * @param target the ratio to bare Linux that Redoubt is to reach, or null
 * @param paired whether a ratio to bare Linux of the same round means anything
 */
public record Workload(
    String suite, String name, String title, String unit, Double target, boolean paired) {
  public Workload(String suite, String name, String title, String unit) {
    this(suite, name, title, unit, null, true);
  }

  public Workload withTarget(double ratio) {
    return new Workload(suite, name, title, unit, ratio, paired);
  }

  public Workload unpaired() {
    return new Workload(suite, name, title, unit, target, false);
  }

  /** The name that is unique in a whole file. */
  public String id() {
    return suite + "/" + name;
  }
}
