package io.redoubt.sentry.fs;

/** The same where the gofer donates no descriptors and all data goes through the region. */
class OverlayThroughRingTest extends OverlayTest {
  @Override
  boolean donates() {
    return false;
  }
}
