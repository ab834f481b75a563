/**
 * Seccomp filters as data, and what is needed to trust them.
 *
 * <pre>
 *   Filter (rules, each with its reason) ──decide──> Action           the meaning
 *      │ DecisionBuilder
 *      v
 *   Decision (a graph of tests of 32-bit words)
 *      │ Passes, to a fixpoint
 *      v
 *   Decision ──Assembler──> BpfProgram ──BpfInterpreter──> Action     what the kernel will do
 * </pre>
 *
 * <p>The tests compare the two ends of that picture with each other, and a sample of the right end
 * with the running kernel. {@link io.redoubt.seccomp.GuestProfile} is the filter that every guest
 * runs under, {@link io.redoubt.seccomp.OciSeccomp} brings the filter of a container's {@code
 * config.json} into the same form, and {@link io.redoubt.seccomp.ContainerProfile} divides that
 * between the host kernel and the sentry.
 */
package io.redoubt.seccomp;
