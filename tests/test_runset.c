/* Runs in folders and archives, and the data in their paths and info.txt. */
#include "tools/report/runset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "tests/check.h"

#define ROOT "build/test_runset.tmp"

static void write_file(const char *folder, const char *name, const char *text) {
  char path[256];
  Err err;
  snprintf(path, sizeof path, ROOT "/%s", folder);
  check(folder_make(path, &err) == 0, "%s", err.text);
  snprintf(path, sizeof path, ROOT "/%s/%s", folder, name);
  check(file_write(path, text, strlen(text), &err) == 0, "%s", err.text);
}

static void make_run(const char *folder, const char *rows, const char *info) {
  char log[512];
  snprintf(log, sizeof log, "step,tokens,seconds,train_loss,val_loss\n0,0,0,,5\n%s", rows);
  write_file(folder, "log.csv", log);
  write_file(folder, "config.txt", "optimizer = muon\nsteps = 60\nseed = 1\n");
  write_file(folder, "info.txt", info);
}

static int find(const RunSet *set, const char *path) {
  for (int i = 0; i < set->count; i++)
    if (strcmp(set->logs[i].path, path) == 0) return i;
  check(0, "%s is not among the runs", path);
  return 0;
}

static void check_runs(const RunSet *set) {
  const Origin *o = set->origins;
  int i = find(set, ROOT "/runs/sweep/tune/muon/lr-1/seed-1");
  check(o[i].tuning && strcmp(o[i].method, "muon") == 0, "a trial of muon, not %s", o[i].method);
  i = find(set, ROOT "/runs/sweep/final/muon:b/lr-1/seed-2");
  check(!o[i].tuning && strcmp(o[i].method, "muon:b") == 0, "judged, of muon:b, not %s",
        o[i].method);
  i = find(set, ROOT "/runs/own/final/muon/x");
  check(!o[i].tuning && !*o[i].method, "final/ outside of a sweep means nothing: %s", o[i].method);
  check(strcmp(set->spec, ROOT "/runs/sweep/sweep.spec") == 0, "the sweep's spec: %s", set->spec);
}

static void test_folders(void) {
  char runs[] = ROOT "/runs/", bad[] = ROOT "/bad", none[] = ROOT "/none", *paths[] = {runs, bad};
  RunSet set;
  Err err;
  make_run("runs/sweep/tune/muon/lr-1/seed-1", "", "");
  make_run("runs/sweep/final/muon:b/lr-1/seed-2", "", "");
  make_run("runs/own/final/muon/x", "", "");
  write_file("runs/sweep", "sweep.spec", "optimizers = muon\n");
  write_file("bad", "log.csv", "step,tokens\n");
  check(runset_read(&set, paths, 2, &err) == 0, "%s", err.text);
  check(set.count == 3 && set.note_count == 1, "%d runs and a note, not %d", set.count,
        set.note_count);
  check_runs(&set);
  runset_free(&set);
  paths[0] = bad;
  check(runset_read(&set, paths, 1, &err) != 0 && strstr(err.text, "no run in it can be read"),
        "only a run that cannot be read: %s", err.text);
  paths[0] = none;
  check(runset_read(&set, paths, 1, &err) != 0 && strstr(err.text, "no such folder or run"),
        "nothing there: %s", err.text);
}

static void test_archive(void) {
  char archive[] = ROOT "/runs/sweep/kept.tar.gz", *paths[] = {archive};
  RunSet set;
  Err err;
  check(system("cd " ROOT "/runs/sweep && tar -czf kept.tar.gz tune final && mkdir tmp") == 0,
        "tar");
  setenv("TMPDIR", ROOT "/runs/sweep/tmp", 1);
  check(runset_read(&set, paths, 1, &err) == 0, "%s", err.text);
  check(set.count == 2, "two runs, not %d", set.count);
  int i = find(&set, ROOT "/runs/sweep/tune/muon/lr-1/seed-1");
  check(set.origins[i].tuning, "a trial");
  check(strcmp(set.spec, ROOT "/runs/sweep/sweep.spec") == 0, "the spec beside it: %s", set.spec);
  check(strstr(set.archives, "tar -xf ") != NULL, "how to unpack it: %s", set.archives);
  runset_free(&set);
  write_file("runs/sweep", "kept.tar.gz", "no archive");
  check(runset_read(&set, paths, 1, &err) != 0 && strstr(err.text, "tar cannot unpack it"),
        "no archive: %s", err.text);
  check(system("rmdir " ROOT "/runs/sweep/tmp") == 0, "the temporary folders are removed");
}

static void test_states(void) {
  const struct {
    const char *rows, *last;
  } cases[] = {
      {"", "5.0000 at step 0 of 60"},
      {"1,1,1,4.5,\n2,2,2,4.25,\n", "training loss 4.2500 at step 2 of 60"},
      {"1,1,1,4.5,4.75\n2,2,2,4.25,\n", "4.7500 at step 1 of 60"},
      {"1,1,1,4.5,4.75\n2,2,2,nan,\n", "4.7500 at step 1 of 60"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char state[] = ROOT "/state", *paths[] = {state}, last[80];
    RunSet set;
    Err err;
    make_run("state", cases[i].rows, "");
    check(runset_read(&set, paths, 1, &err) == 0, "%s", err.text);
    run_last_value(&set.logs[0], last, sizeof last);
    check(strcmp(last, cases[i].last) == 0, "case %zu: %s", i, last);
    runset_free(&set);
  }
}

int main(void) {
  check(system("rm -rf " ROOT) == 0, "rm");
  test_folders();
  test_archive();
  test_states();
  if (system("rm -rf " ROOT) != 0) perror(ROOT);
  return check_report("runset");
}
