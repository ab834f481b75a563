package io.redoubt.conformance.build;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.MethodModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * No method of the product may be longer than HotSpot compiles. A longer one is interpreted for
 * ever, and nothing says so ({@code HugeMethodLimit} in {@code
 * src/hotspot/share/runtime/globals.hpp}, with {@code DontCompileHugeMethods} on by default).
 */
class MethodSizeTest {
  /** The most bytes of bytecode that {@code CompilationPolicy::can_be_compiled} accepts. */
  private static final int HUGE_METHOD_LIMIT = 8000;

  private static final List<String> MODULES =
      List.of("seccomp-profiles", "gofer-io", "sentry", "launcher");

  @Test
  void everyMethodCanBeCompiled() throws IOException {
    var tooLong = new ArrayList<String>();
    int methods = 0;
    for (String module : MODULES) {
      for (Path file : classFiles(module)) {
        methods += checkClass(Files.readAllBytes(file), HUGE_METHOD_LIMIT, tooLong);
      }
    }
    assertTrue(methods > 0, "no compiled classes found: build first");
    assertEquals(
        List.of(), tooLong, "methods over " + HUGE_METHOD_LIMIT + " bytecodes: split them");
  }

  @Test
  void aLongMethodIsNamedWithItsSize() throws IOException {
    byte[] self;
    try (var in = MethodSizeTest.class.getResourceAsStream("MethodSizeTest.class")) {
      self = in.readAllBytes();
    }
    var tooLong = new ArrayList<String>();
    checkClass(self, 5, tooLong);
    assertFalse(tooLong.isEmpty());
    String first = tooLong.getFirst();
    assertTrue(first.matches("io\\.redoubt\\.[\\w.]+\\.\\S+\\(.*: \\d+ bytecodes"), first);
  }

  private static List<Path> classFiles(String module) throws IOException {
    Path classes = Path.of(System.getProperty("redoubt.root"), module, "target", "classes");
    if (!Files.isDirectory(classes)) {
      return List.of();
    }
    try (Stream<Path> files = Files.walk(classes)) {
      return files.filter(file -> file.toString().endsWith(".class")).toList();
    }
  }

  /** Adds a line to {@code tooLong} for each method over the limit; returns how many have code. */
  private static int checkClass(byte[] classFile, int limit, List<String> tooLong) {
    ClassModel model = ClassFile.of().parse(classFile);
    int methods = 0;
    for (MethodModel method : model.methods()) {
      var code = method.findAttribute(Attributes.code());
      if (code.isEmpty()) {
        continue;
      }
      methods++;
      int length = code.get().codeLength();
      if (length > limit) {
        tooLong.add(
            model.thisClass().asInternalName().replace('/', '.')
                + "."
                + method.methodName().stringValue()
                + method.methodTypeSymbol().displayDescriptor()
                + ": "
                + length
                + " bytecodes");
      }
    }
    return methods;
  }
}
