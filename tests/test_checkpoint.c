/* Checkpoints and resuming: 40 steps equal 17 steps, a kill and 23 more; after kills, damage, a
   full disk and changes by other programs, nothing valid is lost and nothing damaged is accepted.
   Tests: run/checkpoint run/resume run/export */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "model/formats/safetensors.h"
#include "optim/harness.h"
#include "optim/registry.h"
#include "run/checkpoint.h"
#include "run/config.h"
#include "tests/check.h"
#include "tests/program.h"

/* Accumulation with a smaller last pass, validation, a warm-up and a schedule that ends with the
   run: everything that resuming could get wrong. */
static const char SETUP[] =
    "--vocab 257 --layers 2 --heads 2 --channels 16 --context 16 --batch 5 --micro-batch 2 "
    "--val-every 7 --val-tokens 64 --warmup 2 --threads 1";

static const char *folder;

static void sleep_us(long us) {
  struct timespec t = {us / 1000000, us % 1000000 * 1000};
  nanosleep(&t, NULL);
}

static int exists(const char *path) {
  struct stat s;
  return lstat(path, &s) == 0;
}

/* Waits until a file exists or the last program has printed something. The limit of ten minutes is
   for a program that failed, not for a busy computer. */
static void wait_for_file(const char *path) {
  for (int i = 0; i < 600000 && !exists(path); i++) sleep_us(1000);
}

static void wait_for_output(const char *text) {
  for (int i = 0; i < 120000 && !strstr(program_output(), text); i++) sleep_us(5000);
}

static void write_text_file(void) {
  enum { SIZE = 30000 };
  static char text[SIZE];
  char path[PATH_SIZE];
  for (int i = 0; i < SIZE; i++) {
    uint64_t r = check_splitmix((uint64_t)(i / 3)) >> 20;
    text[i] = "etaoin shrdlu\n"[(r + (uint64_t)(i % 3) * 5) % 14];
  }
  program_write(program_path(path, "text.txt"), text, SIZE);
}

/* ---- comparing two runs ---- */

static int same_tensors(const char *a, const char *b) {
  Safetensors x, y;
  Err err;
  if (safetensors_open(&x, a, &err)) return 0;
  if (safetensors_open(&y, b, &err)) {
    safetensors_close(&x);
    return 0;
  }
  int same = x.count == y.count && x.count > 0;
  for (int i = 0; i < x.count && same; i++)
    same = strcmp(x.tensors[i].name, y.tensors[i].name) == 0 &&
           x.tensors[i].bytes == y.tensors[i].bytes &&
           memcmp(x.tensors[i].data, y.tensors[i].data, x.tensors[i].bytes) == 0;
  safetensors_close(&x);
  safetensors_close(&y);
  return same;
}

/* Blanks the columns that hold times: seconds, and the last four. */
static void blank_times(char *log) {
  int column = 0;
  for (char *c = log; *c; c++) {
    if (*c == '\n') column = 0;
    else if (*c == ',') column++;
    else if (column == 2 || column > 6) *c = '.';
  }
}

/* Removes the dots, as times differ in length. */
static void squeeze(char *log) {
  char *to = log;
  for (char *from = log; *from; from++)
    if (*from != '.' || (from[1] >= '0' && from[1] <= '9')) *to++ = *from;
  *to = 0;
}

static int same_log(const char *a, const char *b) {
  char path[PATH_SIZE];
  size_t size;
  char *x = program_read(program_path(path, "%s/log.csv", a), &size);
  char *y = program_read(program_path(path, "%s/log.csv", b), &size);
  blank_times(x);
  blank_times(y);
  squeeze(x);
  squeeze(y);
  int same = strcmp(x, y) == 0;
  free(x);
  free(y);
  return same;
}

static void check_same(const char *a, const char *b, const char *what) {
  char x[PATH_SIZE], y[PATH_SIZE];
  check(same_tensors(program_path(x, "%s/latest/model.safetensors", a),
                     program_path(y, "%s/latest/model.safetensors", b)),
        "%s: the weights are not those of an uninterrupted run", what);
  check(same_tensors(program_path(x, "%s/latest/state.safetensors", a),
                     program_path(y, "%s/latest/state.safetensors", b)),
        "%s: the optimizer's state is not that of an uninterrupted run", what);
  check(same_log(a, b), "%s: the log is not that of an uninterrupted run", what);
}

static int ends_finished(const char *run) {
  static const char wanted[] = "result = finished\n";
  char path[PATH_SIZE];
  size_t size, length = sizeof wanted - 1;
  char *text = program_read(program_path(path, "%s/info.txt", run), &size);
  const char *first = strstr(text, "result = ");
  int ok = size >= length && first == text + size - length && strcmp(first, wanted) == 0;
  free(text);
  return ok;
}

static void remove_run(const char *name) { program_run("rm -rf %s/%s", folder, name); }

/* ---- resuming ---- */

static void test_exact(const char *options) {
  char path[PATH_SIZE];
  remove_run("whole");
  remove_run("parts");
  int code = program_run("./train %s %s --data %s/text.txt --steps 40 --out %s/whole", SETUP,
                         options, folder, folder);
  check(code == 0, "%s: train: exit code %d: %s", options, code, program_output());
  if (code != 0) return;
  pid_t pid = program_start("./train %s %s --data %s/text.txt --steps 40 --save-every 17 "
                            "--keep 9 --out %s/parts", SETUP, options, folder, folder);
  wait_for_file(program_path(path, "parts/step-000017"));
  kill(pid, SIGKILL);
  program_wait(pid);
  code = program_run("./train --resume %s", path);
  check(code == 0, "%s: resume: exit code %d: %s", options, code, program_output());
  check(strstr(program_output(), "continues after step 17") != NULL, "%s: %s", options,
        program_output());
  check_same("whole", "parts", options);
  check(ends_finished("parts"), "%s: info.txt does not end with result = finished", options);
}

static void test_every_optimizer(void) {
  char options[64];
  for (const Optimizer *const *o = optimizers; *o; o++) {
    snprintf(options, sizeof options, "--schedule %s --optimizer %s%s",
             (*o)->constant_rate ? "constant" : "cosine", (*o)->name,
             (*o)->decentralized ? " --nodes 5" : ""); /* they divide the batch */
    test_exact(options);
  }
  test_exact("--optimizer muon --qkv-split heads --order sequential --schedule linear");
  test_exact("--optimizer adamw --schedule wsd --clip 0 --seed 7 --data-seed 8");
}

/* The step that `latest` points to, which must be a complete checkpoint; -1 if there is none. */
static int64_t latest_step(void) {
  char path[PATH_SIZE];
  Checkpoint *c;
  Err err;
  if (!exists(program_path(path, "killed/latest"))) return -1;
  if (checkpoint_open(&c, path, &err)) {
    check(0, "latest is not whole: %s", err.text);
    return -1;
  }
  int64_t step = c->step;
  checkpoint_close(c);
  return step;
}

/* The step after which the last start continued; -1 if it was killed before it printed that. */
static int64_t start_step(void) {
  const char *said = strstr(program_output(), "continues after step ");
  return said ? atoll(said + strlen("continues after step ")) : -1;
}

static int64_t file_bytes(const char *path) {
  struct stat s;
  return stat(path, &s) ? 0 : (int64_t)s.st_size;
}

/* The time of the last change of `path` in nanoseconds; 0 if it does not exist. */
static int64_t changed_at(const char *path) {
  struct stat s;
  return stat(path, &s) ? 0 : (int64_t)s.st_ctim.tv_sec * 1000000000 + s.st_ctim.tv_nsec;
}

/* Whether the program has ended; its exit code is not read yet. */
static int has_ended(pid_t pid) {
  siginfo_t info = {0};
  return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == pid;
}

/* Waits until something is written to the folder of an unfinished checkpoint, apart from the files
   that an earlier kill left, or the program has ended. */
static void wait_for_writing(const char *path, int64_t left, pid_t pid) {
  for (int64_t now = 0; (now == 0 || now == left) && !has_ended(pid); now = changed_at(path))
    sleep_us(100);
}

/* Waits until a file is that large, or the program has ended: this point of the run does not depend
   on the computer's speed or load. */
static void wait_for_size(const char *path, int64_t bytes, pid_t pid) {
  while (file_bytes(path) < bytes && !has_ended(pid)) sleep_us(500);
}

/* Kills at random moments, every other time within a checkpoint, until the run finishes; each start
   must continue from the last checkpoint that existed. */
static void test_kills(void) {
  enum { KILLS = 60 };
  int kills = 0, code = -1, unfinished = 0;
  int64_t newest = -1;
  char path[PATH_SIZE], unfinished_path[PATH_SIZE], log[PATH_SIZE];
  program_path(unfinished_path, "killed/.unfinished");
  program_path(log, "killed/log.csv");
  remove_run("whole");
  remove_run("killed");
  program_run("./train %s --data %s/text.txt --steps 400 --out %s/whole", SETUP, folder, folder);
  pid_t pid = program_start("./train %s --data %s/text.txt --steps 400 --save-every 3 --out "
                            "%s/killed", SETUP, folder, folder);
  wait_for_file(program_path(path, "killed/latest"));
  for (; kills < KILLS; kills++) {
    kill(pid, SIGKILL);
    code = program_wait(pid);
    if (code != 128 + SIGKILL) break;
    int64_t start = start_step();
    check(start < 0 || start >= newest, "step %lld was saved, but %lld was resumed",
          (long long)newest, (long long)start);
    newest = latest_step();
    int64_t left = changed_at(unfinished_path), logged = file_bytes(log);
    unfinished += left != 0;
    pid = program_start("./train --resume %s/killed --save-every %d", folder, 1 + kills % 4);
    if (kills % 2) wait_for_writing(unfinished_path, left, pid);
    else wait_for_size(log, logged + (int64_t)(check_splitmix((uint64_t)kills) % 3000), pid);
  }
  if (kills == KILLS) code = program_wait(pid);
  if (code != 0) code = program_run("./train --resume %s/killed", folder);
  check(code == 0, "after %d kills: exit code %d: %s", kills, code, program_output());
  check(kills >= 5, "only %d kills: the run is too short for this test", kills);
  check(kills < 20 || unfinished > 0, "%d kills, but no kill during a write", kills);
  check_same("whole", "killed", "killed at random");
  check(ends_finished("killed"), "killed: info.txt does not end with result = finished");
}

/* Whether the last row of a log has no validation loss. */
static int lacks_val(const char *run) {
  char path[PATH_SIZE];
  size_t size;
  char *log = program_read(program_path(path, "%s/log.csv", run), &size), *row = log + size - 1;
  while (row > log && row[-1] != '\n') row--;
  for (int comma = 0; comma < 4 && row; comma++) row = strchr(row, ',') + 1;
  int lacks = *row == ',';
  free(log);
  return lacks;
}

/* Stops at random moments, most of them within a validation, which takes most of the time here: the
   continued run must equal the uninterrupted one, with its validation losses. */
static void test_stops(void) {
  enum { STOPS = 60 };
  static const char setup[] =
      "--vocab 257 --layers 2 --heads 2 --channels 16 --context 16 --batch 5 --micro-batch 2 "
      "--val-every 1 --val-tokens 4096 --warmup 2 --threads 1 --steps 100";
  int stops = 0, code = -1, within = 0;
  remove_run("whole");
  remove_run("parts");
  program_run("./train %s --data %s/text.txt --out %s/whole", setup, folder, folder);
  pid_t pid = program_start("./train %s --data %s/text.txt --out %s/parts", setup, folder, folder);
  for (; stops < STOPS; stops++) {
    wait_for_output("100 steps of");
    sleep_us((long)(check_splitmix((uint64_t)stops) % 40000));
    kill(pid, SIGTERM);
    code = program_wait(pid);
    if (code == 0) break;
    check(code == 130, "stop %d: exit code %d: %s", stops, code, program_output());
    within += lacks_val("parts");
    pid = program_start("./train --resume %s/parts", folder);
  }
  if (stops == STOPS) code = program_wait(pid);
  check(code == 0, "after %d stops: exit code %d: %s", stops, code, program_output());
  check(within > 0, "%d stops, but no stop during a validation", stops);
  check_same("whole", "parts", "stopped at random");
  check(ends_finished("parts"), "stopped: info.txt does not end with result = finished");
}

static void test_signals(void) {
  remove_run("stopped");
  static const int signals[] = {SIGINT, SIGTERM};
  for (int i = 0; i < 2; i++) {
    pid_t pid = i == 0 ? program_start("./train %s --data %s/text.txt --steps 100000 --out "
                                       "%s/stopped", SETUP, folder, folder)
                       : program_start("./train --resume %s/stopped", folder);
    wait_for_output(i == 0 ? "step 7/" : "continues after");
    kill(pid, signals[i]);
    int code = program_wait(pid);
    check(code == 130, "signal %d: exit code %d: %s", signals[i], code, program_output());
    check(strstr(program_output(), "continue with ./train --resume") != NULL, "%s",
          program_output());
  }
  int code = program_run("./train --resume %s/stopped --max-seconds 0.1", folder);
  check(code == 4, "--max-seconds: exit code %d: %s", code, program_output());
  code = program_run("./train %s --data %s/text.txt --steps 3 --overwrite on --out %s/stopped",
                     SETUP, folder, folder);
  check(code == 0 && strstr(program_output(), "step 3/3"), "--overwrite: %s", program_output());
  code = program_run("./train --resume %s/stopped --steps 5", folder);
  check(code == 0 && strstr(program_output(), "steps 3 -> 5"), "%s", program_output());
  check(ends_finished("stopped"), "stopped: info.txt does not end with result = finished");
}

static void test_refusals(void) {
  static const char *const refused[][2] = {
      {"--lr 0.5", "--lr 0.5"},         {"--optimizer sgd", "--optimizer sgd"},
      {"--vocab 300", "--vocab 300"},   {"--layers 3", "--layers 3"},
      {"--channels 32", "--channels"},  {"--seed 2", "--seed 2"},
      {"--batch 4", "--batch 4"},       {"--beta1 0.8", "--beta1"},
      {"--schedule linear", "--schedule"}, {"--data austen", "--data austen"},
      {"--order sequential", "--order"}, {"--steps 3", "--steps 3"},
      {"--model micro", "--model"},     {"--init x", "--init"},
      {"--separator ==", "--separator"},
      {"--out elsewhere", "--out"},
  };
  remove_run("refusing");
  program_run("./train %s --data %s/text.txt --steps 4 --out %s/refusing", SETUP, folder, folder);
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    int code = program_run("./train --resume %s/refusing %s", folder, refused[i][0]);
    check((code == 1 || code == 2) && strstr(program_output(), refused[i][1]),
          "resume %s: exit code %d: %s", refused[i][0], code, program_output());
  }
  char path[PATH_SIZE];
  program_write(program_path(path, "text.txt"), "another text, as long as it needs to be", 39);
  int code = program_run("./train --resume %s/refusing --steps 6", folder);
  check(code == 1, "changed data: exit code %d: %s", code, program_output());
  write_text_file();
  code = program_run("mv %s/text.txt %s/moved.txt", folder, folder) ||
         program_run("./train --resume %s/refusing --steps 6 --val-every 2 --data %s/moved.txt",
                     folder, folder);
  check(code == 0 && strstr(program_output(), "steps 4 -> 6"), "allowed changes: %s",
        program_output());
  size_t size;
  char *info = program_read(program_path(path, "refusing/info.txt"), &size);
  check(strstr(info, "val-every 7 -> 2") != NULL, "info.txt does not tell: %s", info);
  free(info);
  write_text_file();
}

/* ---- damage ---- */

static void expect_damage(const char *path, const char *what) {
  Checkpoint *c;
  Err err = {""};
  int status = checkpoint_open(&c, path, &err);
  check(status != 0, "%s: the checkpoint is accepted as valid", what);
  check(status == 0 || strlen(err.text) > 20, "%s: no sentence: \"%s\"", what, err.text);
  if (status == 0) checkpoint_close(c);
}

/* Every kind of byte of every file, in turn with one bit flipped. */
static void test_flips(const char *file) {
  enum { FLIPS = 250 };
  char path[PATH_SIZE], whole[PATH_SIZE], what[PATH_SIZE + 64];
  size_t size;
  program_path(whole, "damaged/step-000006");
  char *data = program_read(program_path(path, "damaged/step-000006/%s", file), &size);
  for (int i = 0; i < FLIPS; i++) {
    uint64_t r = check_splitmix((uint64_t)i);
    size_t at = i < 16 ? (size_t)i % size : (r >> 8) % (i % 2 && size > 4000 ? 4000 : size);
    data[at] ^= (char)(1 << r % 8);
    program_write(path, data, size);
    snprintf(what, sizeof what, "%s, byte %zu, bit %d", file, at, (int)(r % 8));
    expect_damage(whole, what);
    data[at] ^= (char)(1 << r % 8);
  }
  for (int i = 0; i < 40; i++) {
    size_t cut = check_splitmix((uint64_t)i) % size;
    program_write(path, data, i < 5 ? (size_t)i : cut);
    snprintf(what, sizeof what, "%s, cut to %zu bytes", file, cut);
    expect_damage(whole, what);
  }
  program_write(path, data, size);
  free(data);
}

static void test_fallback(void) {
  char path[PATH_SIZE];
  size_t size;
  char *data = program_read(program_path(path, "damaged/latest/state.safetensors"), &size);
  data[size / 2] ^= 4;
  program_write(path, data, size);
  int code = program_run("./train --resume %s/damaged/latest", folder);
  check(code == 1 && strstr(program_output(), "CRC-32"), "a damaged one: exit code %d: %s", code,
        program_output());
  code = program_run("./train --resume %s/damaged", folder);
  check(code == 0 && strstr(program_output(), "continues after step 4"), "no fallback: %s",
        program_output());
  check(strstr(program_output(), "cannot be used") != NULL, "silent fallback: %s",
        program_output());
  check(exists(program_path(path, "damaged/step-000006.set-aside")), "the damaged one is gone");
  free(data);
}

/* Every program that reads weights must detect the damage and name the file. */
static void test_readers(void) {
  static const char *const readers[][2] = {
      {"./train --steps 1 --init", "--out"},
      {"./train --resume", "--out"},
      {"tools/convert --from", "--to"},
      {"tools/generate --tokens 1 --threads 1 --from", "--prompt"},
  };
  static const char *const damage[][2] = {{"flipped", "CRC-32"}, {"missing", "cannot be"}};
  char path[PATH_SIZE];
  size_t size;
  program_run("cp -r %s/damaged/step-000006 %s/damaged/flipped", folder, folder);
  char *data = program_read(program_path(path, "damaged/flipped/model.safetensors"), &size);
  data[size - 5] ^= 1;
  program_write(path, data, size);
  free(data);
  for (int i = 0; i < 8; i++) {
    const char *const *reader = readers[i / 2], *const *what = damage[i % 2];
    int code = program_run("%s %s/damaged/%s %s %s/made", reader[0], folder, what[0], reader[1],
                           folder);
    check(code == 1 && strstr(program_output(), what[1]), "%s %s: exit code %d: %s", reader[0],
          what[0], code, program_output());
  }
}

/* Like the runs of test_exact, so that a newest and an older checkpoint exist. */
static void test_damage(void) {
  char path[PATH_SIZE], wrong[PATH_SIZE];
  remove_run("damaged");
  program_run("./train %s --data %s/text.txt --steps 6 --save-every 2 --keep 3 --out %s/damaged",
              SETUP, folder, folder);
  test_flips("model.safetensors");
  test_flips("state.safetensors");
  test_flips("config.json");
  test_flips("vocab.json");
  program_run("sed -i.old 's/\"n_layer\": 2/\"n_layer\": 3/' %s",
              program_path(path, "damaged/step-000006/config.json"));
  Checkpoint *c;
  Err err = {""};
  check(checkpoint_open(&c, program_path(path, "damaged/step-000006"), &err) != 0 &&
            strstr(err.text, "n_layer is 3"), "config.json that contradicts: %s", err.text);
  program_run("mv %s.old %s", program_path(path, "damaged/step-000006/config.json"), path);
  /* The weights and the state are from different steps. */
  program_run("cp %s %s.kept", program_path(path, "damaged/step-000006/model.safetensors"), path);
  program_run("cp %s %s", program_path(wrong, "damaged/step-000004/model.safetensors"), path);
  expect_damage(program_path(wrong, "damaged/step-000006"), "weights of another step");
  program_run("mv %s.kept %s", path, path);
  check(checkpoint_open(&c, program_path(path, "damaged"), &err) == 0 && c->step == 6,
        "undamaged again: %s", err.text);
  checkpoint_close(c);
  test_readers();
  test_fallback();
}

static void test_log(void) {
  char path[PATH_SIZE];
  size_t size;
  remove_run("log");
  program_run("./train %s --data %s/text.txt --steps 4 --out %s/log", SETUP, folder, folder);
  char *log = program_read(program_path(path, "log/log.csv"), &size);
  program_write(path, log, size - 20);
  int code = program_run("./train --resume %s/log --steps 6", folder);
  check(code == 1 && strstr(program_output(), "log.csv"), "a short log: %s", program_output());
  log[size - 3] = '\n';
  program_write(path, log, size);
  code = program_run("./train --resume %s/log --steps 6", folder);
  check(code == 1 && strstr(program_output(), "step 4"), "another last row: %s", program_output());
  unlink(path);
  code = program_run("./train --resume %s/log --steps 6", folder);
  check(code == 1 && strstr(program_output(), "log.csv"), "no log: %s", program_output());
  free(log);
}

/* ---- full disk, no permission ---- */

/* The file size limit acts like a full disk: writes fail after part of the data. */
static void test_full_disk(void) {
  char path[PATH_SIZE];
  remove_run("full");
  program_run("./train %s --data %s/text.txt --steps 4 --out %s/full", SETUP, folder, folder);
  int code = program_run("sh -c 'ulimit -f 40; ./train --resume %s/full --steps 8'", folder);
  check(code == 1 && strstr(program_output(), "not saved"), "full disk: exit code %d: %s", code,
        program_output());
  check(!exists(program_path(path, "full/.unfinished")), "full disk: the unfinished one stays");
  code = program_run("./train --resume %s/full --steps 8", folder);
  check(code == 0 && strstr(program_output(), "continues after step 4"),
        "after the disk was full: %s", program_output());
  code = program_run("unshare -rm sh -c 'mount -t tmpfs -o size=260k none %s/full && "
                     "cp %s/text.txt %s/full && ./train %s --data %s/full/text.txt --steps 400 "
                     "--save-every 100 --keep 9 --out %s/full/run; code=$?; "
                     "./train --resume %s/full/run --save-every 1000 --keep 1; "
                     "ls %s/full/run; exit $code'",
                     folder, folder, folder, SETUP, folder, folder, folder, folder);
  if (strstr(program_output(), "unshare:") || strstr(program_output(), "mount:")) return;
  check(code == 1 && strstr(program_output(), "No space left on device") &&
            strstr(program_output(), "continues after step 100"),
        "a full file system: exit code %d: %s", code, program_output());
}

static void test_read_only(void) {
  char path[PATH_SIZE];
  remove_run("locked");
  program_run("./train %s --data %s/text.txt --steps 4 --out %s/locked", SETUP, folder, folder);
  program_path(path, "locked");
  chmod(path, 0555);
  /* The superuser may write everywhere, so this runs as another user. */
  int code = program_run(geteuid() ? "./train --resume %s --steps 6"
                                   : "setpriv --reuid=65534 --clear-groups ./train --resume %s "
                                     "--steps 6", path);
  chmod(path, 0755);
  if (code == 127 || strstr(program_output(), "setpriv:")) return;
  check(code == 1 && strstr(program_output(), "ermission denied"), "read-only: exit code %d: %s",
        code, program_output());
  code = program_run("./train --resume %s --steps 6", path);
  check(code == 0, "after it was read-only: %s", program_output());
}

/* A checkpoint holds one value for each name, and a name on the command line has one meaning. */
static void test_option_names(void) {
  for (const Optimizer *const *o = optimizers; *o; o++) {
    char name[64] = "--optimizer=";
    char *argv[] = {"train", strcat(name, (*o)->name)};
    Config config;
    Err err;
    if (config_read(&config, 2, argv, &err)) {
      check(0, "%s: %s", name, err.text);
      continue;
    }
    for (const OptionSet *a = config.sets; a->rows; a++)
      for (const Option *x = a->rows; x->name; x++)
        for (const OptionSet *b = config.sets; b <= a; b++)
          for (const Option *y = b->rows; y->name && y != x; y++)
            check(strcmp(x->name, y->name) != 0, "%s: two options --%s", (*o)->name, x->name);
    config_free(&config);
  }
}

int main(void) {
  setenv("OMP_NUM_THREADS", "1", 1);
  folder = program_folder("test-checkpoint");
  write_text_file();
  test_option_names();
  test_every_optimizer();
  test_kills();
  test_stops();
  test_signals();
  test_refusals();
  test_damage();
  test_log();
  test_full_disk();
  test_read_only();
  return check_report("checkpoint");
}
