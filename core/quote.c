#include "core/quote.h"

#include <string.h>

/* Bytes of the character at `text`; 0 if it is not UTF-8 or is a control character. */
static size_t harmless(const char *text) {
  const unsigned char *b = (const unsigned char *)text;
  size_t n = b[0] < 0x80 ? 1 : b[0] >= 0xC2 && b[0] < 0xE0 ? 2 : b[0] >= 0xE0 && b[0] < 0xF0 ? 3
             : b[0] >= 0xF0 && b[0] < 0xF5 ? 4 : 0;
  for (size_t i = 1; i < n; i++)
    if ((b[i] & 0xC0) != 0x80) return 0;
  if ((n == 1 && (b[0] < ' ' || b[0] == 0x7F)) || (n == 2 && b[0] == 0xC2 && b[1] < 0xA0)) return 0;
  if ((b[0] == 0xE0 && b[1] < 0xA0) || (b[0] == 0xED && b[1] >= 0xA0)) return 0; /* surrogates */
  if ((b[0] == 0xF0 && b[1] < 0x90) || (b[0] == 0xF4 && b[1] >= 0x90)) return 0;
  return n;
}

/* Writes one character, or `instead` if it is not allowed. Returns the position after it. */
static const char *put_character(FILE *out, const char *text, const char *instead) {
  size_t n = harmless(text);
  if (n == 0) fputs(instead, out);
  else fwrite(text, 1, n, out);
  return text + (n ? n : 1);
}

void quote_terminal(FILE *out, const char *text) {
  while (*text) {
    char code[8];
    snprintf(code, sizeof code, "\\x%02x", (unsigned char)*text);
    text = put_character(out, text, code);
  }
}

/* The HTML entity of a special character, or NULL. */
static const char *entity(char c) {
  switch (c) {
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '&': return "&amp;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return NULL;
  }
}

void quote_html(FILE *out, const char *text) {
  while (*text) {
    if (*text == '\n' || *text == '\t') fputc(*text++, out);
    else if (entity(*text)) fputs(entity(*text++), out);
    else text = put_character(out, text, "\xEF\xBF\xBD");
  }
}

void quote_markdown(FILE *out, const char *text) {
  while (*text) {
    const char *named = *text == '<' || *text == '&' ? entity(*text) : NULL;
    if (*text == '|') fputs("\\|", out), text++;
    else if (named) fputs(named, out), text++;
    else text = put_character(out, text, " ");
  }
}

static void write_gnuplot(FILE *script, const char *text, int percents) {
  fputc('\'', script);
  while (*text) {
    if (*text == '\'' || (*text == '%' && percents)) fputc(*text, script);
    text = put_character(script, text, " ");
  }
  fputc('\'', script);
}

void quote_gnuplot(FILE *script, const char *text) { write_gnuplot(script, text, 0); }

void quote_gnuplot_tic(FILE *script, const char *text) { write_gnuplot(script, text, 1); }

void quote_shell(FILE *out, const char *word) {
  int plain = *word && word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                         "0123456789-_./:,=+@%")] == 0;
  if (!plain) fputc('\'', out);
  for (; *word; word++) {
    if (*word == '\'') fputs("'\\''", out);
    else fputc(*word, out);
  }
  if (!plain) fputc('\'', out);
}

void quote_path(FILE *out, const char *path) {
  if (*path == '-' || *path == '@') fputs("./", out);
  quote_shell(out, path);
}

char *quote_path_text(char *out, size_t size, const char *path) {
  FILE *memory = fmemopen(out, size, "w");
  out[0] = out[size - 1] = 0;
  if (!memory) return out;
  quote_path(memory, path);
  fclose(memory);
  out[size - 1] = 0;
  return out;
}
