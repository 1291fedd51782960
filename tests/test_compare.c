/* Comparisons of runs that were extended, disturbed, repeated or not finished. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "tests/check.h"
#include "tools/report/outcome.h"

#define ROOT "build/test_compare.tmp"

static void write_file(const char *run, const char *name, const char *text) {
  char path[256];
  Err err;
  snprintf(path, sizeof path, ROOT "/%s/%s", run, name);
  check(file_write(path, text, strlen(text), &err) == 0, "%s", err.text);
}

/* A run of `last` of 30 steps that ends at `loss`, with a gradient and an optimizer of these
   milliseconds; `more` is added to its config.txt. */
static void make_run(const char *name, const char *optimizer, int seed, int last, double loss,
                     double gradient, double optimizer_ms, const char *more, const char *info) {
  char text[4096];
  Err err;
  size_t used;
  check(folder_make(ROOT, &err) == 0, "%s", err.text);
  snprintf(text, sizeof text, ROOT "/%s", name);
  check(folder_make(text, &err) == 0, "%s", err.text);
  used = (size_t)snprintf(text, sizeof text, "step,tokens,seconds,train_loss,val_loss,lr,grad_norm,"
                          "forward_ms,backward_ms,optimizer_ms\n0,0,,,9,,,,,\n");
  for (int step = 1; step <= last; step++) {
    double now = 9 + (loss - 9) * step / last;
    used += (size_t)snprintf(text + used, sizeof text - used, "%d,%d,%d,%g,", step, 64 * step, step,
                             now);
    used += (size_t)snprintf(text + used, sizeof text - used, step % 10 ? ",1,1," : "%g,1,1,", now);
    used += (size_t)snprintf(text + used, sizeof text - used, "0,%g,%g\n", gradient, optimizer_ms);
  }
  write_file(name, "log.csv", text);
  snprintf(text, sizeof text, "optimizer = %s\nseed = %d\nsteps = 30\n%s", optimizer, seed, more);
  write_file(name, "config.txt", text);
  write_file(name, "info.txt", info);
}

static Comparison compare(void) {
  char root[] = ROOT, *paths[] = {root};
  ComparisonOptions options = {0};
  Comparison c = {0};
  Err err;
  check(comparison_read(&c, paths, 1, &options, &err) == 0, "%s", err.text);
  return c;
}

static const Entry *entry_of(const Comparison *c, const char *name) {
  for (int i = 0; i < c->count; i++)
    if (strcmp(c->entries[i].name, name) == 0) return &c->entries[i];
  check(0, "there is no entry %s", name);
  return &c->entries[0];
}

static int is_noted(const Comparison *c, const char *words) {
  for (int i = 0; i < c->set.note_count; i++)
    if (strstr(c->set.notes[i], words)) return 1;
  return 0;
}

/* Whether the table has a row that begins with `name` and contains the words. */
static int is_in(Table t, const char *name, const char *words) {
  char *text;
  size_t size;
  int found = 0;
  FILE *out = open_memstream(&text, &size);
  table_write(&t, TABLE_CSV, out);
  fclose(out);
  table_free(&t);
  for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
    found |= strncmp(line, name, strlen(name)) == 0 && strstr(line, words) != NULL;
  free(text);
  return found;
}

static void empty_root(void) { check(system("rm -rf " ROOT) == 0, "rm"); }

static void test_times(void) {
  empty_root();
  make_run("a1", "adamw", 1, 30, 4, 100, 10, "", "result = finished\n");
  make_run("a2", "adamw", 2, 30, 4, 200, 9, "", "result = finished\n");
  make_run("m1", "muon", 1, 30, 3, 220, 44, "", "result = finished\n");
  make_run("m2", "muon", 2, 30, 3, 260, 30, "", "result = finished\n");
  make_run("s1", "sgd", 1, 30, 3.5, 200, 8, "threads = 1\n", "result = finished\n");
  Comparison c = compare();
  const Entry *baseline = entry_of(&c, "adamw"), *muon = entry_of(&c, "muon");
  check_near(baseline->gradient_ms, 100, 1e-9, "the undisturbed run's gradient");
  check_near(baseline->optimizer_ms, 4.5, 1e-9, "9 ms where the gradient took twice as long");
  check_near(muon->slow, 2.2, 1e-9, "all runs of muon were disturbed");
  check_near(muon->optimizer_ms, 30 / 2.6, 1e-9, "its optimizer's time is scaled");
  check_near(entry_of(&c, "sgd")->slow, 1, 0, "with other threads the gradient is another");
  check(is_noted(&c, "Times: 3 of 5 runs were disturbed"), "a note");
  check(is_in(outcome_costs(&c), "muon", "about 11.5"), "and marked in the table");
  comparison_free(&c);
}

static void test_states(void) {
  empty_root();
  make_run("a1", "adamw", 1, 30, 4, 100, 10, "", "result = finished\n");
  make_run("m1", "muon", 1, 30, 3, 100, 10, "",
           "extended = after step 20 from 20 to 30 steps: x\nresult = finished\n");
  make_run("m2", "muon", 1, 30, 3.5, 100, 10, "", "result = finished\n");
  make_run("s1", "sgd", 1, 4, 8, 100, 10, "", "");
  make_run("s2", "sgd", 2, 14, 8, 100, 10, "", "result = stopped by SIGTERM\n");
  Comparison c = compare();
  const Entry *extended = entry_of(&c, "muon m1");
  check(extended->extended && isnan(extended->steps_to) && isnan(extended->seconds_to),
        "an extended run has no steps to the target");
  check(isfinite(entry_of(&c, "muon m2")->steps_to), "the same settings without have");
  check(is_noted(&c, "muon m1: extended after step 20 from 20 to 30 steps: x. Its"), "a note");
  check(is_in(outcome_losses(&c), "muon m1", "extended"), "and marked");
  check(is_in(outcome_losses(&c), "sgd", "2 unfinished: 8.2857 at step 10 of 30"),
        "the last value of the longest run");
  comparison_free(&c);
}

static void test_repetitions(void) {
  empty_root();
  make_run("a1", "adamw", 1, 10, 5, 100, 10, "clip = 1\nthreads = 1\n", "");
  make_run("a2", "adamw", 1, 30, 4, 100, 10, "clip = 1\nthreads = 2\n", "result = finished\n");
  make_run("a3", "adamw", 1, 30, 3, 100, 10, "clip = 1\n", "result = finished\n");
  make_run("m1", "muon", 1, 30, 3, 100, 10, "clip = 0\n", "result = finished\n");
  Comparison c = compare();
  const Entry *baseline = entry_of(&c, "adamw");
  check(baseline->count == 1 && baseline->unfinished == 0, "a seed counts once");
  check_near(baseline->summary.mean, 4, 1e-12, "as the first finished run");
  check(is_noted(&c, "a1 is not counted") && is_noted(&c, "a3 is not counted"), "a note");
  check(is_in(outcome_settings(&c), "clip", "0 (muon), 1 (adamw)"), "settings that differ");
  check(is_in(outcome_settings(&c), "clip", "") && !is_in(outcome_settings(&c), "optimizer", ""),
        "except what the table of losses shows");
  comparison_free(&c);
}

int main(void) {
  test_times();
  test_states();
  test_repetitions();
  empty_root();
  return check_report("compare");
}
