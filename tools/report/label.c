#include "tools/report/label.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/quote.h"
#include "run/config.h"
#include "tools/report/differences.h"

/* ---- names ---- */

enum { DIFFERENCES = 3 }; /* a label with more would be too long to read */

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

/* The end of a run's path, as long as it takes to be different from the others'. */
static const char *end_of_path(const RunLog *logs, int count, int index) {
  const char *path = logs[index].path, *end = base_name(path);
  for (int i = 0; i < count; i++) {
    size_t size = strlen(end), other = strlen(logs[i].path);
    if (i == index || other < size || strcmp(logs[i].path + other - size, end) != 0) continue;
    if (end - 1 <= path) break;
    for (end -= 2; end > path && end[-1] != '/';) end--;
    i = -1;
  }
  return end;
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
  const char *base = end_of_path(logs, count, index);
  if (differences > DIFFERENCES || (alike > 1 && differences == 0) || !*optimizer)
    snprintf(out, size, "%s%s%s", strstr(base, optimizer) ? "" : optimizer,
             strstr(base, optimizer) ? "" : " ", base);
}

Look label_look(const RunLog *logs, int index) {
  const char *optimizer = runlog_option(&logs[index], "optimizer");
  int nth = 0;
  for (int i = 0; i < index; i++)
    nth += strcmp(runlog_option(&logs[i], "optimizer"), optimizer) == 0;
  Look look = palette_shade(palette_look(optimizer), nth);
  if (logs[index].end == RUN_UNFINISHED || logs[index].end == RUN_STOPPED) look.dash = 2;
  return look;
}

/* ---- captions ---- */

/* The value of an option if all runs have the same, else NULL. */
static const char *common(const RunLog *logs, int count, const char *name) {
  for (int i = 1; i < count; i++)
    if (!same_option(&logs[0], &logs[i], name)) return NULL;
  const char *value = count > 0 ? runlog_option(&logs[0], name) : "";
  return *value ? value : NULL;
}

/* A value from a file may contain anything. */
static void put_word(FILE *out, const char *before, const char *word) {
  fputs(before, out);
  quote_terminal(out, word);
}

void label_caption(const RunLog *logs, int count, int seeds, char *out, size_t size) {
  char *text;
  size_t length;
  FILE *words = open_memstream(&text, &length);
  const char *data = common(logs, count, "data"), *model = common(logs, count, "model");
  const char *steps = common(logs, count, "steps"), *batch = common(logs, count, "batch");
  const char *context = common(logs, count, "context");
  double weights = count > 0 ? logs[0].info.weights : NAN;
  if (data) put_word(words, ", ", strlen(data) > 40 ? base_name(data) : data);
  if (model) put_word(words, ", ", model);
  if (model && weights > 0) fprintf(words, " (%.3g M weights)", weights / 1e6);
  if (steps) put_word(words, ", ", steps), fprintf(words, " steps");
  if (steps && batch && context)
    fprintf(words, " of %.0f tokens", strtod(batch, NULL) * strtod(context, NULL));
  if (seeds > 0) fprintf(words, ", %d seed%s", seeds, seeds == 1 ? "" : "s");
  fclose(words);
  snprintf(out, size, "%s", length > 2 ? text + 2 : "");
  free(text);
}

/* ---- highlighting ---- */

/* Highlights the curves that a word names. Returns their number. */
static int show_word(Candidate *curves, int count, const char *word, size_t length) {
  int shown = 0;
  for (int i = 0; i < count; i++) {
    const char *names[] = {curves[i].name, curves[i].optimizer};
    for (int k = 0; k < 2; k++)
      if (strlen(names[k]) == length && strncmp(names[k], word, length) == 0)
        curves[i].shown = 1, shown++;
  }
  return shown;
}

/* Whether no curve of the same optimizer is better. */
static int best_of_optimizer(const Candidate *curves, int count, int index) {
  for (int i = 0; i < count; i++)
    if (strcmp(curves[i].optimizer, curves[index].optimizer) == 0 && i != index &&
        (curves[i].loss < curves[index].loss ||
         (curves[i].loss == curves[index].loss && i < index)))
      return 0;
  return isfinite(curves[index].loss);
}

static void show_notable(Candidate *curves, int count, const char *baseline) {
  enum { BEST = 3 };
  for (int i = 0; i < count; i++) {
    int better = 0;
    for (int j = 0; j < count; j++)
      better += curves[j].loss < curves[i].loss && best_of_optimizer(curves, count, j);
    int of_baseline = strcmp(curves[i].optimizer, baseline) == 0;
    curves[i].shown = strcmp(curves[i].name, baseline) == 0 ||
                      palette_is_own(curves[i].optimizer) ||
                      (best_of_optimizer(curves, count, i) && (better < BEST || of_baseline));
  }
}

int label_highlight(Candidate *curves, int count, const char *words, const char *baseline,
                    Err *err) {
  int all = !*words && count <= LABEL_FEW;
  for (int i = 0; i < count; i++) curves[i].shown = all;
  if (!*words && !all) show_notable(curves, count, baseline);
  for (const char *word = words + strspn(words, " "); *word; word += strspn(word, " ")) {
    size_t length = strcspn(word, " ");
    if (!show_word(curves, count, word, length))
      return fail(err, "--highlight %.*s: there is no such method or run; use optimizers, methods "
                       "or the last parts of folders, with spaces between", (int)length, word);
    word += length;
  }
  return 0;
}
