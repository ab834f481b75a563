package io.redoubt.gofer;

/** The peer sent what no sane peer could have: the connection ends with this one line. */
final class MalformedException extends RuntimeException {
  private static final long serialVersionUID = 1;

  MalformedException(String message) {
    super(message, null, false, false);
  }
}
