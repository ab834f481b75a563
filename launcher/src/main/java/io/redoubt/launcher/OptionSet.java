package io.redoubt.launcher;

import io.redoubt.sentry.StartFailure;
import java.util.ArrayList;
import java.util.List;

/**
 * The options of one command as data, and their parser.
 *
 * <p>Written here because a start waits for it: commons-cli takes 2 to 7 ms with all of its classes
 * in the cache and 56 ms without, this 0.1 ms; and it would take the word after {@code --trace} for
 * the file of {@code --trace[=FILE]}.
 */
final class OptionSet {
  /**
   * One option.
   *
   * @param name with its dashes
   * @param alias another name, or null
   * @param argument what its argument is called, null when it has none; with a leading "=" it is
   *     optional and only after a "="
   * @param help one line
   */
  record Option(String name, String alias, String argument, String help) {
    boolean takesNext() {
      return argument != null && argument.charAt(0) != '=';
    }
  }

  /** What was given: options with their values in order, then the rest. */
  static final class Given {
    private final List<String> names = new ArrayList<>();
    private final List<String> values = new ArrayList<>();

    /** All from the first word that is no option. */
    final List<String> rest = new ArrayList<>();

    boolean has(String name) {
      return names.contains(name);
    }

    /** The value that was given last, or null. */
    String value(String name) {
      int at = names.lastIndexOf(name);
      return at < 0 ? null : values.get(at);
    }

    List<String> all(String name) {
      List<String> out = new ArrayList<>();
      for (int i = 0; i < names.size(); i++) {
        if (names.get(i).equals(name)) {
          out.add(values.get(i));
        }
      }
      return out;
    }

    private void add(Option o, String value) {
      names.add(o.name);
      values.add(value);
    }
  }

  private final String command;
  private final List<Option> options;

  OptionSet(String command, List<Option> options) {
    this.command = command;
    this.options = options;
  }

  /**
   * Parses until "--", or the first word that is no option.
   *
   * @throws StartFailure for an option that is unknown or lacks its value
   */
  Given parse(List<String> words) {
    Given given = new Given();
    int i = 0;
    while (i < words.size()) {
      String word = words.get(i);
      if (word.length() < 2 || word.charAt(0) != '-') {
        break;
      }
      i++;
      if (word.equals("--")) {
        break;
      }
      i =
          word.charAt(1) == '-'
              ? parseLong(given, word, words, i)
              : parseShort(given, word, words, i);
    }
    given.rest.addAll(words.subList(i, words.size()));
    return given;
  }

  private int parseLong(Given given, String word, List<String> words, int next) {
    int equals = word.indexOf('=');
    String name = equals < 0 ? word : word.substring(0, equals);
    Option o = find(name);
    if (equals >= 0) {
      if (o.argument == null) {
        throw failure("option " + name + " takes no value");
      }
      given.add(o, word.substring(equals + 1));
      return next;
    }
    return add(given, o, words, next);
  }

  /**
   * Letters may be joined, as in -it; the value of one with an argument is the rest of the word, or
   * the next word.
   */
  private int parseShort(Given given, String word, List<String> words, int next) {
    for (int k = 1; k < word.length(); k++) {
      Option o = find("-" + word.charAt(k));
      if (o.takesNext() && k + 1 < word.length()) {
        given.add(o, word.substring(k + 1));
        return next;
      }
      next = add(given, o, words, next);
    }
    return next;
  }

  private int add(Given given, Option o, List<String> words, int next) {
    if (!o.takesNext()) {
      given.add(o, "");
      return next;
    }
    if (next == words.size()) {
      throw failure("option " + o.name + " needs a value: " + o.name + " " + o.argument);
    }
    given.add(o, words.get(next));
    return next + 1;
  }

  private Option find(String name) {
    for (Option o : options) {
      if (name.equals(o.name) || name.equals(o.alias)) {
        return o;
      }
    }
    throw failure("unknown option " + name);
  }

  private StartFailure failure(String what) {
    return new StartFailure(
        Caller.FAILED, command + ": " + what + "; see redoubt " + command + " --help");
  }

  /** The lines of --help about options. */
  String help() {
    StringBuilder b = new StringBuilder();
    for (Option o : options) {
      int start = b.length();
      b.append("  ");
      if (o.alias != null) {
        b.append(o.alias).append(", ");
      }
      b.append(o.name);
      if (o.argument != null) {
        b.append(o.takesNext() ? " " + o.argument : "[" + o.argument + "]");
      }
      do {
        b.append(' ');
      } while (b.length() - start < 28);
      b.append(o.help).append('\n');
    }
    return b.toString();
  }
}
