/**
 * Linux, as seen from Java: the only package of Redoubt that calls native code.
 *
 * <p>Classes are grouped by the header that declares a call in C. Every call returns its value or a
 * <em>negative errno</em>; nothing here throws for what the kernel may answer, only for a mistake
 * of the caller (a buffer shorter than the length that goes with it).
 *
 * <p>All calls go through {@link io.redoubt.host.Syscall}: one function, {@code syscall(2)}, of one
 * shape. The JVMs of a sandbox reach it by a JNI library that holds nothing but the instruction,
 * everyone else by one linked downcall; Syscall says why. Each further shape of a downcall would
 * make the JVM spin and define classes at start-up, in two processes per sandbox. The price is a
 * few moves between registers per call.
 *
 * <p>Buffers are passed as a raw address ({@code long}) or as a {@link
 * java.lang.foreign.MemorySegment} with a length that is checked against it. A segment must stay
 * alive until the call returns: use global, confined or shared arenas, never an automatic arena
 * whose last user is the call itself.
 *
 * <p>A C struct is a nested class of constants: the offset of each field, named as in C, in upper
 * case ({@code __} stands for the dot before a nested field), and {@code SIZEOF}. A test compiles a
 * C program that prints every one of them and compares.
 *
 * <p>Paths and names are Java strings of raw bytes, one char per byte (ISO 8859-1), as everywhere
 * in Redoubt.
 */
package io.redoubt.host;
