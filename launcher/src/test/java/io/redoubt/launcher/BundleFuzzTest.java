package io.redoubt.launcher;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.redoubt.fuzz.Fuzz;
import io.redoubt.sentry.StartFailure;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Spoiled config.json files: each is read, or refused with words that say what is wrong with it;
 * never anything else, and never slowly.
 */
class BundleFuzzTest {
  /** What an operator may be shown of a field, with its name. */
  private static final int MAX_MESSAGE = 100_000;

  private static final long MAX_NANOS = 5_000_000_000L;

  @TempDir Path dir;
  private JsonObject whole;
  private int accepted;
  private int refused;

  @BeforeEach
  void prepare() throws IOException {
    Files.createDirectory(dir.resolve("rootfs"));
    try (var in = BundleFuzzTest.class.getResourceAsStream("fuzz-config.json")) {
      whole =
          JsonParser.parseString(new String(in.readAllBytes(), StandardCharsets.UTF_8))
              .getAsJsonObject();
    }
  }

  private static boolean one(Random random, int in) {
    return random.nextInt(in) == 0;
  }

  private static String text(Random random) {
    String[] texts = {
      "",
      "/",
      ".",
      "..",
      "a\0b",
      "line\nline",
      "\u001b[31m",
      "é",
      "\ud800",
      "../../../etc",
      "/proc/self/fd",
      "0",
      "-1",
      "SCMP_ACT_ALLOW",
      "SCMP_ACT_NOTIFY",
      "SCMP_CMP_MASKED_EQ",
      "CAP_SYS_ADMIN",
      "RLIMIT_NOFILE",
      "network",
      "bind",
      "rbind,ro",
      "size=99999999999999999999",
      "mode=9",
      "%s%n",
      "x".repeat(random.nextInt(5000)),
      "host",
      "=",
      "=a",
      "a="
    };
    return texts[random.nextInt(texts.length)];
  }

  private static Number number(Random random) {
    return switch (random.nextInt(8)) {
      case 0 -> -1;
      case 1 -> 1.5;
      case 2 -> new BigInteger("18446744073709551616");
      case 3 -> new BigDecimal("1e400");
      case 4 -> new BigDecimal("1e-2147483640");
      case 5 -> Long.MIN_VALUE;
      case 6 -> 1L << random.nextInt(63);
      default -> random.nextInt();
    };
  }

  private static JsonElement value(Random random, int depth) {
    return switch (random.nextInt(depth > 2 ? 4 : 7)) {
      case 0 -> new JsonPrimitive(text(random));
      case 1 -> new JsonPrimitive(number(random));
      case 2 -> new JsonPrimitive(random.nextBoolean());
      case 3 -> JsonNull.INSTANCE;
      case 4 -> {
        JsonArray a = new JsonArray();
        boolean isLong = depth == 0 && one(random, 10);
        for (int n = isLong ? 3000 : random.nextInt(4); n > 0; n--) {
          a.add(value(random, isLong ? 3 : depth + 1));
        }
        yield a;
      }
      default -> {
        JsonObject o = new JsonObject();
        for (int n = random.nextInt(4); n > 0; n--) {
          o.add(text(random), value(random, depth + 1));
        }
        yield o;
      }
    };
  }

  /** Spoils one place somewhere below. */
  private static void spoil(Random random, JsonElement e) {
    if (e.isJsonArray() && !e.getAsJsonArray().isEmpty()) {
      JsonArray a = e.getAsJsonArray();
      int i = random.nextInt(a.size());
      if (one(random, 3)) {
        JsonElement at = a.get(i);
        switch (random.nextInt(4)) {
          case 0 -> a.remove(i);
          case 1 -> a.add(at.deepCopy());
          default -> a.set(i, other(random, at));
        }
      } else {
        spoil(random, a.get(i));
      }
    } else if (e.isJsonObject() && e.getAsJsonObject().size() > 0) {
      JsonObject o = e.getAsJsonObject();
      List<String> names = new ArrayList<>(o.keySet());
      String name = names.get(random.nextInt(names.size()));
      if (o.get(name).isJsonPrimitive() || one(random, 6)) {
        switch (random.nextInt(6)) {
          case 0 -> o.remove(name);
          case 1 -> o.add(text(random), o.get(name));
          default -> o.add(name, other(random, o.get(name)));
        }
      } else {
        spoil(random, o.get(name));
      }
    }
  }

  /** Mostly of the same type. */
  private static JsonElement other(Random random, JsonElement e) {
    if (e.isJsonPrimitive() && !one(random, 4)) {
      JsonPrimitive p = e.getAsJsonPrimitive();
      if (p.isString()) {
        return new JsonPrimitive(one(random, 2) ? text(random) : text(random) + p.getAsString());
      }
      return p.isNumber()
          ? new JsonPrimitive(number(random))
          : new JsonPrimitive(!p.getAsBoolean());
    }
    return value(random, 0);
  }

  private byte[] spoiled(Random random) {
    JsonObject config = whole.deepCopy();
    // Fewer fields: what is behind the first that is wrong is never looked at.
    for (String name : List.copyOf(config.keySet())) {
      if (!List.of("ociVersion", "process", "root").contains(name) && one(random, 3)) {
        config.remove(name);
      }
    }
    for (int n = random.nextInt(4); n > 0; n--) {
      spoil(random, config);
    }
    String text = config.toString();
    if (one(random, 12)) {
      text = "[{\"a\":".repeat(random.nextInt(20000)) + text;
    }
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    if (one(random, 8)) {
      for (int n = random.nextInt(5); n >= 0 && bytes.length > 0; n--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
      }
    }
    return one(random, 20)
        ? java.util.Arrays.copyOf(bytes, random.nextInt(bytes.length + 1))
        : bytes;
  }

  private void round(Random random) throws IOException {
    Files.write(dir.resolve("config.json"), spoiled(random));
    long start = System.nanoTime();
    try {
      Bundle.read(dir.toString());
      accepted++;
    } catch (StartFailure e) {
      String message = e.getMessage();
      assertFalse(message.isBlank(), "nothing said");
      assertTrue(message.length() < MAX_MESSAGE, () -> "long: " + message.length());
      refused++;
    }
    assertTrue(System.nanoTime() - start < MAX_NANOS, "slow");
  }

  @Test
  void theConfigurationThatIsSpoiledIsAGoodOne() throws IOException {
    Files.writeString(dir.resolve("config.json"), whole.toString());
    assertDoesNotThrow(() -> Bundle.read(dir.toString()));
  }

  @Test
  void wordsSayWhatIsWrong() {
    int rounds = Fuzz.briefly(3, this::round);
    assertTrue(
        rounds == 1 || accepted > 0 && refused > 0,
        "accepted " + accepted + ", refused " + refused);
  }

  /** What has been found. */
  @ParameterizedTest
  @ValueSource(longs = {5251})
  void findings(long seed) {
    Fuzz.again(seed, this::round);
  }

  @Test
  @Tag("slow")
  void forTenMinutes() {
    Fuzz.atLength(600, this::round);
  }
}
