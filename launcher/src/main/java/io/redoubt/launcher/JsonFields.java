package io.redoubt.launcher;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.redoubt.sentry.StartFailure;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * One object of a configuration: fields are asked for by name and type, and what nobody asked for
 * is reported. Texts come back as raw UTF-8 bytes in Latin-1.
 */
final class JsonFields {
  private final String file; // what messages call it
  private final JsonObject object;
  private final String path; // "" for the outermost, else "a.b."
  private final List<String> warnings;
  private final Set<String> known = new HashSet<>();

  JsonFields(JsonObject object, String path, List<String> warnings) {
    this("config.json", object, path, warnings);
  }

  /** As above, of another file. */
  JsonFields(String file, JsonObject object, String path, List<String> warnings) {
    this.file = file;
    this.object = object;
    this.path = path;
    this.warnings = warnings;
  }

  /** A failure that names a field. */
  StartFailure failure(String field, String what) {
    return new StartFailure(Caller.FAILED, file + ": " + path + field + ": " + what);
  }

  /** Notes something that is not done as the configuration says. */
  void warn(String field, String what) {
    warnings.add(file + ": " + path + field + ": " + what);
  }

  private JsonElement get(String field) {
    known.add(field);
    JsonElement e = object.get(field);
    return e == null || e.isJsonNull() ? null : e;
  }

  boolean has(String field) {
    return get(field) != null;
  }

  /** A value as JSON in raw UTF-8 bytes, or null. */
  String json(String field) {
    JsonElement e = get(field);
    return e == null ? null : RawArguments.raw(e.toString());
  }

  /** The fields of an object whose names are data. */
  java.util.Set<String> names() {
    return object.keySet();
  }

  /** A text, or null. */
  String string(String field) {
    JsonElement e = get(field);
    return e == null ? null : text(field, e);
  }

  private String text(String field, JsonElement e) {
    if (!e.isJsonPrimitive() || !e.getAsJsonPrimitive().isString()) {
      throw failure(field, "must be a string");
    }
    String s = e.getAsString();
    if (s.indexOf('\0') >= 0) {
      throw failure(field, "must not hold a NUL character");
    }
    return RawArguments.raw(s);
  }

  /** Texts; none when the field is absent. */
  List<String> strings(String field) {
    List<String> out = new ArrayList<>();
    JsonArray a = array(field);
    for (int i = 0; i < a.size(); i++) {
      out.add(text(field + "[" + i + "]", a.get(i)));
    }
    return out;
  }

  /** A truth value; false when absent. */
  boolean flag(String field) {
    JsonElement e = get(field);
    if (e == null) {
      return false;
    }
    if (!e.isJsonPrimitive() || !e.getAsJsonPrimitive().isBoolean()) {
      throw failure(field, "must be true or false");
    }
    return e.getAsBoolean();
  }

  /** An unsigned number of 64 bits. */
  long unsigned(String field, long absent) {
    JsonElement e = get(field);
    return e == null ? absent : unsigned(field, e);
  }

  private long unsigned(String field, JsonElement e) {
    try {
      if (e.isJsonPrimitive() && e.getAsJsonPrimitive().isNumber()) {
        return Long.parseUnsignedLong(e.getAsString());
      }
    } catch (NumberFormatException notWhole) {
      // said below
    }
    throw failure(field, "must be a whole number, not negative");
  }

  /** A number of 64 bits that may be negative; 0 when absent. */
  long signed(String field) {
    JsonElement e = get(field);
    try {
      if (e == null || e.isJsonPrimitive() && e.getAsJsonPrimitive().isNumber()) {
        return e == null ? 0 : Long.parseLong(e.getAsString());
      }
    } catch (NumberFormatException notWhole) {
      // said below
    }
    throw failure(field, "must be a whole number");
  }

  /** A user or group id; 0 when absent. */
  int id(String field) {
    return id(field, unsigned(field, 0));
  }

  private int id(String field, long n) {
    if (Long.compareUnsigned(n, 0xfffffffeL) > 0) {
      throw failure(field, "is larger than any id");
    }
    return (int) n;
  }

  /** Ids; none when absent. */
  int[] ids(String field) {
    JsonArray a = array(field);
    int[] out = new int[a.size()];
    for (int i = 0; i < out.length; i++) {
      String name = field + "[" + i + "]";
      out[i] = id(name, unsigned(name, a.get(i)));
    }
    return out;
  }

  private JsonArray array(String field) {
    JsonElement e = get(field);
    if (e == null) {
      return new JsonArray();
    }
    if (!e.isJsonArray()) {
      throw failure(field, "must be a list");
    }
    return e.getAsJsonArray();
  }

  /** An object, or null. */
  JsonFields object(String field) {
    JsonElement e = get(field);
    return e == null ? null : fields(field, e);
  }

  /** Objects; none when absent. */
  List<JsonFields> objects(String field) {
    List<JsonFields> out = new ArrayList<>();
    JsonArray a = array(field);
    for (int i = 0; i < a.size(); i++) {
      out.add(fields(field + "[" + i + "]", a.get(i)));
    }
    return out;
  }

  private JsonFields fields(String field, JsonElement e) {
    if (!e.isJsonObject()) {
      throw failure(field, "must be an object");
    }
    return new JsonFields(file, e.getAsJsonObject(), path + field + ".", warnings);
  }

  /** Fields that ask for nothing here, because a sandbox has or does that anyway. */
  void accept(String... fields) {
    for (String f : fields) {
      known.add(f);
    }
  }

  /** Fields that this version does not act on; an empty one asks for nothing. */
  void unsupported(String... fields) {
    for (String f : fields) {
      JsonElement e = get(f);
      boolean empty =
          e == null
              || e.isJsonArray() && e.getAsJsonArray().isEmpty()
              || e.isJsonObject() && e.getAsJsonObject().isEmpty()
              || e.isJsonPrimitive() && e.getAsString().isEmpty();
      if (!empty) {
        warn(f, "not supported yet, ignored");
      }
    }
  }

  /** Refuses every field that nobody asked for. @param known what there is, for the message */
  void refuseUnknown(String names) {
    for (String f : object.keySet()) {
      if (!known.contains(f)) {
        throw failure(RawArguments.raw(f), "unknown key; there are: " + names);
      }
    }
  }

  /** Warns of every field that nobody asked for. */
  void reportUnknown() {
    for (String f : object.keySet()) {
      if (!known.contains(f)) {
        warn(RawArguments.raw(f), "unknown field, ignored");
      }
    }
  }
}
