/* Text that separates documents, such as <|endoftext|>, and becomes the end-of-text token. Every
   occurrence counts. One that is alone on its line takes the line's end ("\n" or "\r\n") with
   it. */
#ifndef DATA_SEPARATOR_H
#define DATA_SEPARATOR_H

#include <stddef.h>

/* Returns where the first separator in text (size) at or after `from` begins, and sets *next to the
   text after it; both are `size` if there is none or the separator is empty. `before` is the
   character before text[0]: '\n' at the start of a file. */
size_t separator_find(const char *separator, const char *text, size_t size, size_t from,
                      char before, size_t *next);

/* Whether a text contains <|endoftext|> and no separator was given, which deserves a warning. */
int separator_missing(const char *separator, const char *text, size_t size);

/* The warning; `name` is a string literal, such as "%s". */
#define SEPARATOR_REMARK(name)                                                                    \
  name ": <|endoftext|> in it is read as plain text; --separator \"<|endoftext|>\" makes it the " \
       "end-of-text token"

#endif
