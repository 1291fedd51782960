/* Text that separates documents, such as <|endoftext|>, and becomes the end-of-text token. Every
   occurrence counts. One that is alone on its line takes the line's end ("\n" or "\r\n") with
   it. */
#ifndef DATA_SEPARATOR_H
#define DATA_SEPARATOR_H

#include <stddef.h>

/* Where the first separator in text (size), searched from `from` on, begins, and in *next where the
   text after it begins; `size` for both when there is none, or when the separator is empty.
   `before` is the character before text[0]: '\n' at the start of a file. */
size_t separator_find(const char *separator, const char *text, size_t size, size_t from,
                      char before, size_t *next);

/* Whether a text spells end-of-text although no separator was given, which is worth a remark. */
int separator_missing(const char *separator, const char *text, size_t size);

/* What to say then; the name of the text is a literal, or %s. */
#define SEPARATOR_REMARK(name)                                                                    \
  name ": <|endoftext|> in it is read as plain text; --separator \"<|endoftext|>\" makes it the " \
       "end-of-text token"

#endif
