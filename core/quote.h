/* Quotes text from files, names and command lines for output: one function per output format. The
   input may be any bytes. Except for the shell, control characters (below U+0020, U+007F to U+009F)
   and bytes that are not UTF-8 are replaced. */
#ifndef CORE_QUOTE_H
#define CORE_QUOTE_H

#include <stddef.h>
#include <stdio.h>

/* Terminal: replaced bytes are written as \x1b. */
void quote_terminal(FILE *out, const char *text);

/* HTML text or a quoted attribute value. Newlines and tabs are kept; replaced bytes are U+FFFD. */
void quote_html(FILE *out, const char *text);

/* A cell of a Markdown table: escapes `|` and HTML; replaced bytes are spaces. */
void quote_markdown(FILE *out, const char *text);

/* A gnuplot string in single quotes, in which gnuplot expands nothing; the command must also use
   noenhanced. gnuplot uses the label of a tic as a format, so quote_gnuplot_tic doubles each %. */
void quote_gnuplot(FILE *script, const char *text);
void quote_gnuplot_tic(FILE *script, const char *text);

/* A word for a POSIX shell, in quotes if needed. quote_path also keeps a file name from being read
   as an option or option file: `-x` becomes ./-x. */
void quote_shell(FILE *out, const char *word);
void quote_path(FILE *out, const char *path);

/* quote_path into out (size), which it returns; a path that does not fit is truncated. */
char *quote_path_text(char *out, size_t size, const char *path);

#endif
