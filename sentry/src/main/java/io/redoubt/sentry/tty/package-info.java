/** Terminals: pseudo-terminal pairs, the line discipline, job control. */
package io.redoubt.sentry.tty;
