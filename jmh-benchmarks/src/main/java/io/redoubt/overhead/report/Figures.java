package io.redoubt.overhead.report;

import io.redoubt.overhead.results.Cell;
import io.redoubt.overhead.results.Ratio;
import java.util.Locale;

/** Figures as people read them: three digits and a unit. */
final class Figures {
  private Figures() {}

  static String value(String unit, double v) {
    return switch (unit) {
      case "ns" -> scaled(v, 1000, "ns", "us", "ms", "s");
      case "bytes" -> scaled(v, 1024, "B", "KiB", "MiB", "GiB");
      default -> digits(v);
    };
  }

  private static String scaled(double v, double step, String... units) {
    int i = 0;
    while (Math.abs(v) >= step && i < units.length - 1) {
      v /= step;
      i++;
    }
    return digits(v) + " " + units[i];
  }

  static String digits(double v) {
    double size = Math.abs(v);
    int decimals = size == Math.rint(size) && size < 1e6 ? 0 : size >= 100 ? 0 : size >= 10 ? 1 : 2;
    return String.format(Locale.ROOT, "%." + decimals + "f", v);
  }

  /** The median, and how far from it half of the samples are at most, in percent. */
  static String withSpread(Cell c) {
    String text = value(c.unit(), c.median());
    if (c.n() < 2 || c.median() == 0 || c.unit().equals("count")) {
      return text;
    }
    return text + " ±" + Math.round(100 * c.medianDeviation() / Math.abs(c.median())) + "%";
  }

  /** "2.31x", with its interval; or that no difference is shown. */
  static String ratio(Ratio r) {
    String interval = r.n() > 1 ? " (" + digits(r.low()) + " to " + digits(r.high()) + ")" : "";
    return ratioAlone(r) + interval;
  }

  static String ratioAlone(Ratio r) {
    return r.shown() ? digits(r.median()) + "x" : "~" + digits(r.median()) + "x";
  }
}
