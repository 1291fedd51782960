/* Text that comes from files, names and command lines, made safe for what will read it: one
   function for each kind of output. All of them take any bytes. A character that controls a
   terminal (below U+0020, U+007F to U+009F) and a byte that is not UTF-8 never get through. */
#ifndef CORE_QUOTE_H
#define CORE_QUOTE_H

#include <stddef.h>
#include <stdio.h>

/* A line for a terminal; what may not get through is written \x1b. */
void quote_terminal(FILE *out, const char *text);

/* The text of an HTML element, or an attribute's value in quotes. Line ends and tabs stay; what may
   not get through is U+FFFD. */
void quote_html(FILE *out, const char *text);

/* A cell of a Markdown table: neither `|` nor HTML in it has a meaning. */
void quote_markdown(FILE *out, const char *text);

/* A string of gnuplot's in single quotes, in which nothing is replaced or executed. The command
   that takes it has to say noenhanced. Of a tic's label gnuplot makes a format, so that each % of
   it is doubled. */
void quote_gnuplot(FILE *script, const char *text);
void quote_gnuplot_tic(FILE *script, const char *text);

/* A word for a POSIX shell, in quotes where it needs them. quote_path also keeps a file's name from
   being read as an option or an option file: `-x` is written ./-x. */
void quote_shell(FILE *out, const char *word);
void quote_path(FILE *out, const char *path);

/* quote_path into a string, for a sentence; a path that does not fit is cut short. */
char *quote_path_text(char *out, size_t size, const char *path);

#endif
