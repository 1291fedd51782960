#include "tools/report/label.h"

#include <string.h>

#include "run/config.h"
#include "tools/report/differences.h"

/* ---- names ---- */

enum { DIFFERENCES = 2 }; /* a label with more would be too long to read */

/* The optimizer is in every label. */
static int distinguishes(const char *name, int seeds) {
  if (seeds && strcmp(name, "seed") == 0) return 1;
  return config_effect(name) <= EFFECT_TASK && strcmp(name, "optimizer") != 0;
}

static int differs(const RunLog *logs, int count, int index, const char *name) {
  const char *optimizer = runlog_option(&logs[index], "optimizer");
  for (int i = 0; i < count; i++)
    if (strcmp(runlog_option(&logs[i], "optimizer"), optimizer) == 0 &&
        !same_option(&logs[i], &logs[index], name))
      return 1;
  return 0;
}

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash && slash[1] ? slash + 1 : path;
}

void label_run(const RunLog *logs, int count, int index, int seeds, char *out, size_t size) {
  const RunLog *log = &logs[index];
  const char *optimizer = runlog_option(log, "optimizer");
  int differences = 0, alike = 0;
  size_t used = (size_t)snprintf(out, size, "%s", optimizer);
  for (int i = 0; i < log->config.count; i++) {
    const Setting *s = &log->config.items[i];
    if (!distinguishes(s->name, seeds) || !differs(logs, count, index, s->name)) continue;
    if (++differences <= DIFFERENCES && used < size)
      used += (size_t)snprintf(out + used, size - used, " %s %s", s->name, s->value);
  }
  for (int i = 0; i < count; i++)
    alike += strcmp(runlog_option(&logs[i], "optimizer"), optimizer) == 0;
  const char *base = base_name(log->path);
  if (differences > DIFFERENCES || (alike > 1 && differences == 0) || !*optimizer)
    snprintf(out, size, "%s%s%s", strstr(base, optimizer) ? "" : optimizer,
             strstr(base, optimizer) ? "" : " ", base);
}

Look label_look(const RunLog *logs, int index) {
  const char *optimizer = runlog_option(&logs[index], "optimizer");
  int nth = 0;
  for (int i = 0; i < index; i++)
    nth += strcmp(runlog_option(&logs[i], "optimizer"), optimizer) == 0;
  return palette_shade(palette_look(optimizer), nth);
}
