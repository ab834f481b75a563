/**
 * The ring tier: hot system calls that reach the sentry through shared memory. Here is what makes
 * their sites go to the trampoline, one by one, once they have proved hot: {@link
 * io.redoubt.sentry.ring.SiteRewriter}.
 */
package io.redoubt.sentry.ring;
