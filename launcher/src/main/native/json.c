#include "json.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

char *json_quote(const char *text)
{
    char *quoted = malloc(strlen(text) * 6 + 3), *at = quoted;
    if (!quoted)
        abort();
    *at++ = '"';
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            *at++ = '\\';
            *at++ = (char)c;
        } else if (c < ' ') {
            at += sprintf(at, "\\u%04x", c);
        } else {
            *at++ = (char)c;
        }
    }
    *at++ = '"';
    *at = 0;
    return quoted;
}

char *json_unquote(const char *quoted)
{
    char *text = malloc(strlen(quoted) + 1), *at = text;
    if (!text)
        abort();
    if (*quoted == '"')
        quoted++;
    for (; *quoted && *quoted != '"'; quoted++) {
        unsigned value;
        if (*quoted == '\\' && quoted[1] == 'u' && sscanf(quoted + 2, "%4x", &value) == 1) {
            *at++ = (char)value;
            quoted += 5;
        } else if (*quoted == '\\' && quoted[1]) {
            *at++ = *++quoted;
        } else {
            *at++ = *quoted;
        }
    }
    *at = 0;
    return text;
}

static void new_line(FILE *to, int depth)
{
    fprintf(to, "\n%*s", depth * 2, "");
}

void json_indent(FILE *to, const char *compact, int depth)
{
    bool in_string = false;
    for (const char *at = compact; *at; at++) {
        if (in_string) {
            putc(*at, to);
            if (*at == '\\' && at[1])
                putc(*++at, to);
            else if (*at == '"')
                in_string = false;
            continue;
        }
        switch (*at) {
        case '"':
            in_string = true;
            putc(*at, to);
            break;
        case '{':
        case '[':
            putc(*at, to);
            if (at[1] == '}' || at[1] == ']')
                putc(*++at, to);
            else
                new_line(to, ++depth);
            break;
        case '}':
        case ']':
            new_line(to, --depth);
            putc(*at, to);
            break;
        case ',':
            putc(*at, to);
            new_line(to, depth);
            break;
        case ':':
            fputs(": ", to);
            break;
        default:
            putc(*at, to);
        }
    }
}
