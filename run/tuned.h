/* The one table of tuned settings: for each optimizer and preset model, what a search found. */
#ifndef RUN_TUNED_H
#define RUN_TUNED_H

/* Settings "lr=... aux-lr=...", or NULL when that pair was not tuned. */
const char *tuned_settings(const char *optimizer, const char *model);

#endif
