/* The table of tuned settings for each optimizer and model preset. */
#ifndef RUN_TUNED_H
#define RUN_TUNED_H

#include <stddef.h>

/* The settings "lr=... aux-lr=...", or NULL if that pair was not tuned. */
const char *tuned_settings(const char *optimizer, const char *model);

/* Where the settings of the pair come from: "tuned for nano", "not tuned for gpt2", ... */
void tuned_origin(const char *optimizer, const char *model, char *out, size_t size);

#endif
