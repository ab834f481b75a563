/**
 * Files whose content is made up: what procfs, sysfs and the device tree are built from.
 *
 * <p>The bytes of a pseudo file are written as Latin-1 text into a {@link java.lang.StringBuilder},
 * one char a byte, so that text and binary files ({@code auxv}, {@code environ}) have one way to be
 * made.
 */
package io.redoubt.sentry.fs.pseudo;
