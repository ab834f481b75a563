/**
 * What one sandbox may use of its sentry: {@link io.redoubt.sentry.limits.Limit} has the kinds, one
 * JVM serves one sandbox. Innermost: nothing here takes a lock.
 */
package io.redoubt.sentry.limits;
