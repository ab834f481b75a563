package io.redoubt.conformance;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a family printed, by case, as {@code harness.h} writes it.
 *
 * @param lines the lines of each case, in the order in which the cases ran
 * @param isComplete whether the family came to its end
 */
record Cases(Map<String, List<String>> lines, boolean isComplete) {

  static Cases parse(String output) {
    Map<String, List<String>> lines = new LinkedHashMap<>();
    List<String> current = new ArrayList<>();
    boolean complete = false;
    for (String line : output.split("\n", -1)) {
      if (line.equals("== end")) {
        complete = true;
      } else if (line.startsWith("== ")) {
        current = new ArrayList<>();
        lines.put(line.substring(3), current);
      } else if (!line.isEmpty()) {
        current.add(line);
      }
    }
    return new Cases(lines, complete);
  }

  /** Returns null if both are equal, and otherwise the lines that differ, side by side. */
  static String difference(List<String> linux, List<String> sandbox) {
    if (linux.equals(sandbox)) {
      return null;
    }
    StringBuilder text = new StringBuilder();
    int shown = 0;
    for (int i = 0; i < Math.max(linux.size(), sandbox.size()) && shown < 12; i++) {
      String left = i < linux.size() ? linux.get(i) : "(nothing)";
      String right = i < sandbox.size() ? sandbox.get(i) : "(nothing)";
      if (!left.equals(right)) {
        text.append("\n  linux:   ").append(left).append("\n  sandbox: ").append(right);
        shown++;
      }
    }
    return text.toString();
  }
}
