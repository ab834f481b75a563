package io.redoubt.sentry.ring;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Section .text of a program on this machine. */
record ElfText(Path file, long address, byte[] code) {
  /**
   * Reads it.
   *
   * @param limit bytes at most
   * @return null where there is no such file, or none of this machine
   */
  static ElfText read(Path file, int limit) throws IOException {
    try (FileChannel f = FileChannel.open(file, StandardOpenOption.READ)) {
      if (f.size() < 64) {
        return null;
      }
      ByteBuffer head = read(f, 0, 64);
      if (head.getInt(0) != 0x464c457f || head.get(4) != 2 || head.getShort(18) != 62) {
        return null;
      }
      long table = head.getLong(40);
      int count = head.getShort(60) & 0xffff;
      ByteBuffer sections = read(f, table, count * 64);
      int names = (head.getShort(62) & 0xffff) * 64;
      ByteBuffer strings =
          read(f, sections.getLong(names + 24), (int) sections.getLong(names + 32));
      for (int at = 0; at < count * 64; at += 64) {
        byte[] name = new byte[6];
        int nameAt = sections.getInt(at);
        strings.get(nameAt, name, 0, Math.min(6, strings.limit() - nameAt));
        if (new String(name, java.nio.charset.StandardCharsets.US_ASCII).equals(".text\0")) {
          int size = (int) Math.min(limit, sections.getLong(at + 32));
          byte[] code = read(f, sections.getLong(at + 24), size).array();
          return new ElfText(file, sections.getLong(at + 16), code);
        }
      }
      return null;
    } catch (java.nio.file.NoSuchFileException e) {
      return null;
    }
  }

  private static ByteBuffer read(FileChannel f, long at, int size) throws IOException {
    ByteBuffer b = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    while (b.hasRemaining() && f.read(b, at + b.position()) > 0) {}
    return b.flip();
  }

  @Override
  public String toString() {
    return file.toString();
  }
}
