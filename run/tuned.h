/* The table of tuned settings for each optimizer and model preset. */
#ifndef RUN_TUNED_H
#define RUN_TUNED_H

/* The settings "lr=... aux-lr=...", or NULL if that pair was not tuned. */
const char *tuned_settings(const char *optimizer, const char *model);

#endif
