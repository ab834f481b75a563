package io.redoubt.overhead;

import java.time.Duration;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/**
 * A bar with the time left on a terminal (the script redoubt says whether); elsewhere one line a
 * round, on standard error both.
 */
final class Progress implements AutoCloseable {
  private final ProgressBar bar;
  private int round;

  Progress(long steps) {
    bar =
        Boolean.getBoolean("redoubt.bench.terminal")
            ? new ProgressBarBuilder()
                .setTaskName("measuring")
                .setInitialMax(steps)
                .setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(250)
                .hideEta()
                .setEtaFunction(p -> left(p.getCurrent(), p.getMax(), p.getElapsedAfterStart()))
                .build()
            : null;
  }

  private static java.util.Optional<Duration> left(long done, long all, Duration spent) {
    return done == 0
        ? java.util.Optional.empty()
        : java.util.Optional.of(spent.multipliedBy(all - done).dividedBy(done));
  }

  void round(int number, int of) {
    if (bar == null && number != round) {
      System.err.println("redoubt: round " + number + " of " + of);
    }
    round = number;
  }

  void say(String line) {
    System.err.println((bar == null ? "" : "\r\033[K") + "redoubt: " + line);
  }

  void show(String what) {
    if (bar != null) {
      bar.setExtraMessage(what.length() > 60 ? what.substring(0, 60) : what);
    }
  }

  void step(int n) {
    if (bar != null) {
      bar.stepBy(n);
    }
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
