/**
 * What an operator wants to know of a sandbox's attempts: events of security as lines of JSON.
 * Nothing of it is loaded unless it was asked for. The schema is in docs/operations/audit.md.
 */
package io.redoubt.sentry.audit;
