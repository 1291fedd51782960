/* Event files for TensorBoard: records with their sums, restarts, and the tools that write them. */
#include "run/events.h"

#include <stdlib.h>
#include <string.h>

#include "tests/check.h"
#include "tests/program.h"

/* CRC-32C with a table, from the high-level definition: reflected polynomial 0x1EDC6F41. */
static uint32_t crc32c(const unsigned char *bytes, size_t size) {
  uint32_t table[256], crc = 0xFFFFFFFFu;
  for (uint32_t i = 0; i < 256; i++) {
    table[i] = i;
    for (int k = 0; k < 8; k++) table[i] = (table[i] >> 1) ^ (0x82F63B78u & -(table[i] & 1));
  }
  for (size_t i = 0; i < size; i++) crc = table[(crc ^ bytes[i]) & 255] ^ crc >> 8;
  return crc ^ 0xFFFFFFFFu;
}

static uint32_t masked(const unsigned char *bytes, size_t size) {
  uint32_t crc = crc32c(bytes, size);
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8u;
}

static uint32_t u32_at(const char *bytes) {
  uint32_t x;
  memcpy(&x, bytes, sizeof x);
  return x;
}

/* Checks the sums of all records and returns their number. */
static int check_records(const char *path, const char *bytes, size_t size) {
  int count = 0;
  for (size_t at = 0; at < size; count++) {
    uint64_t length;
    memcpy(&length, bytes + at, sizeof length);
    if (at + 16 + length > size) return check(0, "%s: record %d is cut", path, count), count;
    const unsigned char *record = (const unsigned char *)bytes + at;
    check(u32_at(bytes + at + 8) == masked(record, 8), "%s: length of record %d", path, count);
    check(u32_at(bytes + at + 12 + length) == masked(record + 12, length), "%s: record %d", path,
          count);
    at += 16 + length;
  }
  return count;
}

static int contains(const char *bytes, size_t size, const void *part, size_t length) {
  for (size_t i = 0; i + length <= size; i++)
    if (memcmp(bytes + i, part, length) == 0) return 1;
  return 0;
}

static void test_records(const char *folder) {
  Events *e;
  Err err = {""};
  char path[PATH_SIZE];
  const double x[] = {0.1, 0.2, 0.9}, p[] = {0, 0.5, 1};
  check(crc32c((const unsigned char *)"123456789", 9) == 0xE3069283u, "the published test value");
  check(!events_any(folder), "no event files yet");
  check(events_open(&e, folder, 301, 1e9, &err) == 0, "%s", err.text);
  check(events_write(e, 300, 0, &err) == 0, "nothing to write");
  events_scalar(e, "log/train_loss", 1.5);
  events_quantiles(e, "spectrum/x", x, p, 3);
  check(events_write(e, 301, 2.5, &err) == 0 && events_close(e, &err) == 0, "%s", err.text);
  check(events_any(folder), "an event file");
  program_run("cat %s/events.out.tfevents.* >%s", folder, program_path(path, "all"));
  size_t size;
  char *bytes = program_read(path, &size);
  check(check_records(path, bytes, size) == 3, "version, restart and one event");
  /* By hand: time 1e9, step 301 = ad 02, the version and the restart. */
  static const char restart[] = "\x10\xad\x02\x3a\x02\x08\x01";
  static const char version[] = "\x1a\x0d" "brain.Event:2";
  check(contains(bytes, size, version, sizeof version - 1), "version");
  check(contains(bytes, size, restart, sizeof restart - 1), "restart at step 301");
  static const char value[] = "\x0a\x15\x0a\x0elog/train_loss\x15\x00\x00\xc0\x3f";
  check(contains(bytes, size, value, sizeof value - 1), "1.5 by its name");
  check(contains(bytes, size, x, sizeof x), "the quantiles");
  const double counts[] = {0, 50, 50};
  check(contains(bytes, size, counts, sizeof counts), "half of the numbers in each part");
  free(bytes);
  check(events_remove(folder, &err) == 0 && !events_any(folder), "removed");
}

static int files_in(const char *folder) {
  program_run("ls %s | grep -c events.out.tfevents", folder);
  return atoi(program_output());
}

static void test_runs(const char *folder) {
  char run[PATH_SIZE], path[PATH_SIZE];
  size_t size;
  static const char setup[] = "--layers 1 --heads 2 --channels 16 --context 16 --vocab 257 "
                              "--batch 2 --warmup 0 --threads 1 --val-tokens 64 --optimizer muon --steps 6 "
                              "--save-every 3 --log-spectrum 2 --overwrite on";
  program_path(run, "run");
  program_path(path, "all");
  program_run("./train %s --out %s", setup, run);
  check(files_in(run) == 0, "none by default");
  check(program_run("tools/convert %s --to tensorboard", run) == 0, "%s", program_output());
  program_run("cat %s/events.out.tfevents.* >%s", run, path);
  char *bytes = program_read(path, &size);
  check(check_records(path, bytes, size) == 2 + 7 + 3, "steps 0 to 6, and 3 of the spectrum");
  check(contains(bytes, size, "log/val_loss", 12) && contains(bytes, size, "spectrum/mlp.c_fc", 17),
        "losses and spectra");
  free(bytes);
  check(program_run("tools/convert %s --to tensorboard", run) == 1 &&
            strstr(program_output(), "--overwrite on"),
        "not replaced: %s", program_output());
  check(program_run("tools/convert %s --to tensorboard --overwrite on", run) == 0 &&
            files_in(run) == 1,
        "replaced: %s", program_output());
  check(program_run("tools/convert %s/none %s --to tensorboard --overwrite on", folder, run) == 1 &&
            strstr(program_output(), "no such run") && strstr(program_output(), "7 steps"),
        "one of two: %s", program_output());
  program_run("./train %s --tensorboard on --out %s", setup, run);
  check(files_in(run) == 1, "a new run removes those of the one before");
  program_run("./train --resume %s/step-000003", run);
  program_run("cat %s/events.out.tfevents.*.4 >%s", run, path);
  bytes = program_read(path, &size);
  check(check_records(path, bytes, size) == 2 + 3, "steps 4 to 6 in a separate file");
  free(bytes);
  check(program_run("tools/convert %s --format tensorboard --to %s/copy", run, folder) == 0,
        "to another folder: %s", program_output());
}

int main(void) {
  const char *folder = program_folder("test-events");
  test_records(folder);
  test_runs(folder);
  return check_report("events");
}
