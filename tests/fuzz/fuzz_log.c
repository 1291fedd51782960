/* log.csv, as a resumed run and as the reports read it. */
#include "run/log.h"
#include "tests/fuzz/input.h"
#include "run/runlog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  RunLog log;
  Err err;
  log_check("input", (const char *)data, size, 7, &err);
  if (runlog_read(&log, input_file("log.csv", data, size), &err)) return 0;
  runlog_clipped(&log);
  runlog_final_val(&log);
  runlog_free(&log);
  return 0;
}
