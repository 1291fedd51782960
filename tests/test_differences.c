/* Which settings of runs are reported as different. */
#include "tools/report/differences.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"

/* A run with settings "name=value name=value"; `fingerprint` of its data, or "". */
static RunLog make_run(const char *settings, const char *fingerprint) {
  RunLog log = {.info = info_unknown()};
  Err err;
  check(settings_preset(&log.config, FROM_FILE, "test", settings, &err) == 0, "%s", err.text);
  snprintf(log.info.fingerprint, sizeof log.info.fingerprint, "%s", fingerprint);
  return log;
}

/* The rows as lines "name: text". */
static void check_rows(const char *what, RunLog *logs, int runs, OptionEffect last,
                       const char *wanted) {
  static const char *const names[] = {"a", "b", "c", "d", "e"};
  char got[1024] = "";
  Differences d = differences_find(logs, runs, last);
  for (int i = 0; i < d.count; i++) {
    char *text = differences_text(&d.rows[i], runs, names);
    size_t used = strlen(got);
    snprintf(got + used, sizeof got - used, "%s: %s\n", d.rows[i].name, text);
    free(text);
  }
  check(strcmp(got, wanted) == 0, "%s: wanted\n%sgot\n%s", what, wanted, got);
  differences_free(&d);
  for (int i = 0; i < runs; i++) settings_free(&logs[i].config);
}

static void test_rows(void) {
  RunLog order[] = {make_run("optimizer=muon lr=0.1 layers=4 steps=300 seed=1 data=x", ""),
                    make_run("optimizer=muon lr=0.2 layers=2 steps=600 seed=2 data=y", "")};
  check_rows("data first, then steps, then the rest of the task", order, 2, EFFECT_TASK,
             "data: x (a), y (b)\nsteps: 300 (a), 600 (b)\nlayers: 4 (a), 2 (b)\n"
             "lr: 0.1 (a), 0.2 (b)\n");
  RunLog seeds[] = {make_run("optimizer=muon seed=1 threads=1 out=x", ""),
                    make_run("optimizer=muon seed=2 threads=2 out=y", "")};
  check_rows("seeds on request, neither rounding nor places", seeds, 2, EFFECT_SEED,
             "seed: 1 (a), 2 (b)\n");
  RunLog five[] = {make_run("optimizer=sgd clip=1", ""), make_run("optimizer=sgd clip=0", ""),
                   make_run("optimizer=sgd clip=1", ""), make_run("optimizer=sgd clip=1", ""),
                   make_run("optimizer=sgd clip=1", "")};
  check_rows("the others are last", five, 5, EFFECT_TASK, "clip: 0 (b), 1 (others)\n");
}

static void test_missing(void) {
  RunLog other[] = {make_run("optimizer=muon momentum=0.9", ""), make_run("optimizer=adamw", "")};
  check_rows("an option of only one optimizer is not a further difference", other, 2, EFFECT_TASK,
             "optimizer: muon (a), adamw (b)\n");
  RunLog both[] = {make_run("optimizer=muon momentum=0.9", ""), make_run("optimizer=adamw", ""),
                   make_run("optimizer=sgd momentum=0.8", "")};
  check_rows("what several optimizers have is compared", both, 3, EFFECT_TASK,
             "optimizer: muon (a), adamw (b), sgd (c)\nmomentum: 0.9 (a), 0.8 (c)\n");
  RunLog older[] = {make_run("optimizer=muon momentum=0.9", ""), make_run("optimizer=muon", "")};
  check_rows("a run of an earlier version has the default", older, 2, EFFECT_TASK,
             "momentum: 0.9 (a), 0.95 (b)\n");
  RunLog same[] = {make_run("optimizer=muon momentum=0.95", ""), make_run("optimizer=muon", "")};
  check_rows("the default may be missing", same, 2, EFFECT_TASK, "");
  RunLog task[] = {make_run("optimizer=muon context=64", ""), make_run("optimizer=sgd", "")};
  check_rows("the task is compared between optimizers", task, 2, EFFECT_TASK,
             "context: 64 (a), 128 (b)\noptimizer: muon (a), sgd (b)\n");
}

static void test_data(void) {
  RunLog same[] = {make_run("optimizer=sgd data=x", "1234"),
                   make_run("optimizer=sgd data=y", "1234")};
  check_rows("the same data under two names", same, 2, EFFECT_TASK, "");
  RunLog differ[] = {make_run("optimizer=sgd data=x", "1234"),
                     make_run("optimizer=sgd data=x", "5678")};
  check_rows("other data under the same name", differ, 2, EFFECT_TASK,
             "data: x [1234] (a), x [5678] (b)\n");
  RunLog unknown[] = {make_run("optimizer=sgd data=x val=", ""),
                      make_run("optimizer=sgd data=y val=z", "1234")};
  check_rows("without a fingerprint the names decide", unknown, 2, EFFECT_TASK,
             "data: x (a), y (b)\nval: \"\" (a), z (b)\n");
}

int main(void) {
  test_rows();
  test_missing();
  test_data();
  return check_report("differences");
}
