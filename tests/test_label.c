/* Names, captions and highlighting of runs in figures. */
#include "tools/report/label.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"

static RunLog make_run(const char *path, const char *settings) {
  RunLog log = {.info = info_unknown()};
  Err err;
  snprintf(log.path, sizeof log.path, "%s", path);
  check(settings_preset(&log.config, FROM_FILE, "test", settings, &err) == 0, "%s", err.text);
  return log;
}

static void test_names(void) {
  RunLog logs[] = {make_run("runs/a", "optimizer=adamw lr=0.01 seed=1"),
                   make_run("runs/b", "optimizer=muon lr=0.01 seed=1"),
                   make_run("runs/c", "optimizer=muon lr=0.02 seed=2"),
                   make_run("x/same", "optimizer=sgd lr=1"),
                   make_run("y/same", "optimizer=sgd lr=1")};
  const char *wanted[] = {"adamw", "muon lr 0.01 seed 1", "muon lr 0.02 seed 2", "sgd x/same",
                          "sgd y/same"};
  for (int i = 0; i < 5; i++) {
    char name[128];
    label_run(logs, 5, i, 1, name, sizeof name);
    check(strcmp(name, wanted[i]) == 0, "run %d: \"%s\", not \"%s\"", i, name, wanted[i]);
  }
  logs[2].end = RUN_FINISHED;
  check(label_look(logs, 2).dash == 1 && label_look(logs, 1).dash == 2,
        "only a run that is not finished is dashed");
  for (int i = 0; i < 5; i++) settings_free(&logs[i].config);
}

static void test_captions(void) {
  RunLog logs[] = {
      make_run("a", "data=austen model=nano steps=300 batch=16 context=128 optimizer=muon"),
      make_run("b", "data=austen model=nano steps=300 batch=16 context=128 optimizer=sgd")};
  char caption[200];
  logs[0].info.weights = 1334016;
  label_caption(logs, 2, 3, caption, sizeof caption);
  check(strcmp(caption, "austen, nano (1.33 M weights), 300 steps of 2048 tokens, 3 seeds") == 0,
        "\"%s\"", caption);
  settings_free(&logs[1].config);
  logs[1] = make_run("b", "data=other model=nano steps=600 batch=16 context=128");
  label_caption(logs, 2, 0, caption, sizeof caption);
  check(strcmp(caption, "nano (1.33 M weights)") == 0, "what differs is left out: \"%s\"", caption);
  label_caption(logs, 0, 0, caption, sizeof caption);
  check(!*caption, "no run, no caption: \"%s\"", caption);
  for (int i = 0; i < 2; i++) settings_free(&logs[i].config);
}

/* The names of the highlighted curves. */
static const char *highlighted(Candidate *curves, int count, const char *words) {
  static char names[200];
  Err err;
  *names = 0;
  if (label_highlight(curves, count, words, "adamw", &err)) return "error";
  for (int i = 0; i < count; i++)
    if (curves[i].shown) strcat(strcat(names, curves[i].name), " ");
  return names;
}

static void test_highlighting(void) {
  Candidate curves[] = {{"muon 1", "muon", 4.1, 0}, {"muon 2", "muon", 4.0, 0},
                        {"soap", "soap", 4.2, 0},   {"sumo", "sumo", 4.3, 0},
                        {"dion", "dion", 4.4, 0},   {"adamw", "adamw", 5, 0},
                        {"lion", "lion", 4.5, 0},   {"mine", "mine", 6, 0},
                        {"sgd", "sgd", NAN, 0}};
  const struct {
    int count;
    const char *words, *wanted;
  } cases[] = {
      {8, "", "muon 1 muon 2 soap sumo dion adamw lion mine "}, /* few: all */
      {9, "", "muon 2 soap sumo adamw mine "},
      {9, "muon sgd", "muon 1 muon 2 sgd "},
      {9, " lion ", "lion "},
      {2, "lion", "error"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *got = highlighted(curves, cases[i].count, cases[i].words);
    check(strcmp(got, cases[i].wanted) == 0, "case %zu: \"%s\", not \"%s\"", i, got,
          cases[i].wanted);
  }
}

int main(void) {
  test_names();
  test_captions();
  test_highlighting();
  return check_report("label");
}
