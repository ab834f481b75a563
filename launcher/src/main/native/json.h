/* Just enough JSON to print our own records and to read back strings that we have printed. */
#ifndef REDOUBT_JSON_H
#define REDOUBT_JSON_H

#include <stdio.h>

/* The text as a JSON string with its quotes, malloced. Bytes above 0x7f pass as they are: what we are given is UTF-8 or nobody's. */
char *json_quote(const char *text);

/* The other way, for what json_quote made; malloced. */
char *json_unquote(const char *quoted);

/* Prints a compact JSON value indented, as Go's MarshalIndent does; depth is how deep it already is. */
void json_indent(FILE *to, const char *compact, int depth);

#endif
