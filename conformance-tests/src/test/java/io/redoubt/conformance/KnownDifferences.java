package io.redoubt.conformance;

import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * Cases that differ from Linux and are known to, each with its reason: {@code
 * known-differences.txt}. They are reported as skipped, by name and with the reason; one that no
 * longer differs passes.
 */
final class KnownDifferences {
  private static final Map<String, String> REASONS = load();

  private KnownDifferences() {}

  /** Skips the running test if {@code name} (family.case or script) is known to differ. */
  static void skip(String name, String difference) {
    String reason = REASONS.get(name);
    if (reason != null) {
      abort(name + ": " + reason + difference);
    }
  }

  private static Map<String, String> load() {
    try (InputStream in = KnownDifferences.class.getResourceAsStream("/known-differences.txt")) {
      Map<String, String> reasons = new HashMap<>();
      for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8).split("\n")) {
        int colon = line.indexOf(':');
        if (!line.startsWith("#") && colon > 0) {
          reasons.put(line.substring(0, colon).strip(), line.substring(colon + 1).strip());
        }
      }
      return reasons;
    } catch (IOException e) {
      throw new IllegalStateException("known-differences.txt cannot be read", e);
    }
  }
}
