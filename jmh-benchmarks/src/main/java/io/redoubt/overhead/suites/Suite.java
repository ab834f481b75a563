package io.redoubt.overhead.suites;

import io.redoubt.overhead.Session;
import io.redoubt.overhead.results.Workload;
import java.util.List;

/** Some workloads that are measured in the same way. */
public interface Suite {
  List<Workload> workloads();

  /** How many steps of the progress bar one round takes for one runtime. */
  int steps();

  /** Makes what is read, and runs once, unmeasured, what the page cache should know. */
  default void prepare(Session session) {}

  /** Measures every runtime once. */
  void round(Session session, int round);
}
