/* Options that other programs have under other names. */
#ifndef RUN_HINTS_H
#define RUN_HINTS_H

/* What to do here for an option of another program: "use --lr" for "learning_rate"; or NULL. */
const char *hint_for(const char *name);

/* The names, "one|two|...", of hint 0, 1, ...; NULL after the last. */
const char *hint_names(int index);

#endif
