#include "run/tuned.h"

#include <stddef.h>
#include <string.h>

typedef struct {
  const char *optimizer, *model, *settings;
} Tuned;

static const Tuned table[] = {
    {NULL, NULL, NULL},
};

const char *tuned_settings(const char *optimizer, const char *model) {
  for (const Tuned *t = table; t->optimizer; t++)
    if (strcmp(t->optimizer, optimizer) == 0 && strcmp(t->model, model) == 0) return t->settings;
  return NULL;
}
