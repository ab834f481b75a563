package io.redoubt.sentry.fs;

/** The mount tree, the walk, the dentry cache. The vfs helper owns this class. */
public final class Vfs {}
