/**
 * Devices: character devices of memory and chance, the tree of /dev, and files of the host that the
 * sandbox was given.
 */
package io.redoubt.sentry.dev;
