package io.redoubt.sentry.kernel;

/** Something that wants to hear of readiness events on a {@link WaitQueue}. */
public interface Waiter {
  /**
   * Called with the events (EPOLL* bits) that happened. Runs under the lock of the queue, and often
   * under the lock of the object that owns the queue: it may only note the fact and schedule work,
   * never call back into the object.
   */
  void onEvents(int events);
}
