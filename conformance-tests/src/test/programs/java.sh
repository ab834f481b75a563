#!/bin/bash
# needs: java
# timeout: 120
cd "$(mktemp -d)" || exit 1
cat >Main.java <<'END'
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.stream.*;

public class Main {
  public static void main(String[] args) throws Exception {
    System.out.println("args " + String.join(",", args));
    Path file = Path.of("file");
    Files.writeString(file, "line one\nline two\n");
    System.out.println(Files.readAllLines(file));
    ExecutorService pool = Executors.newFixedThreadPool(8);
    List<Future<Long>> futures = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      long n = i;
      futures.add(pool.submit(() -> LongStream.rangeClosed(0, n).sum()));
    }
    long sum = 0;
    for (Future<Long> f : futures) sum += f.get();
    pool.shutdown();
    System.out.println("sum " + sum);
    Process p = new ProcessBuilder("cat").start();
    p.getOutputStream().write("through cat".getBytes());
    p.getOutputStream().close();
    System.out.println(new String(p.getInputStream().readAllBytes()) + " " + p.waitFor());
    try (FileChannel c = FileChannel.open(Path.of("mapped"), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      var map = c.map(FileChannel.MapMode.READ_WRITE, 0, 8192);
      map.putInt(4096, 42);
      map.force();
      ByteBuffer b = ByteBuffer.allocate(4);
      c.read(b, 4096);
      System.out.println("mapped " + b.getInt(0) + " size " + c.size());
    }
    Files.createDirectories(Path.of("a/b/c"));
    try (Stream<Path> walk = Files.walk(Path.of("."))) {
      System.out.println(walk.filter(Files::isDirectory).map(Path::toString).sorted().toList());
    }
    byte[][] garbage = new byte[100][];
    for (int i = 0; i < 2000; i++) garbage[i % 100] = new byte[100_000];
    System.gc();
    try { Object o = null; o.toString(); } catch (NullPointerException e) { System.out.println("null caught"); }
    try { deep(0); } catch (StackOverflowError e) { System.out.println("overflow caught"); }
    System.out.println(Map.of("x", 1) + " " + IntStream.range(0, 1000).boxed().collect(Collectors.groupingBy(x -> x % 3, Collectors.counting())));
    Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook")));
    System.exit(6);
  }
  static int deep(int n) { return deep(n + 1) + 1; }
}
END
javac Main.java && java -cp . Main one two; echo "exit $?"
java -Xint -XX:+UseSerialGC -cp . Main >/dev/null; echo "exit $?"
