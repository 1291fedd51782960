#include "tools/measure/step.h"

#include <stdio.h>

#include "tools/measure/trainer.h"

/* What is measured in every round; the fractions are of the ceiling beside the round's step. */
enum { STEP, OPTIMIZER, CEILING, WHOLE, OF_FORWARD, OF_BACKWARD, MEASURES };

void bench_step_header(void) {
  printf("%-22s %8s %8s | %7s %7s %6s | %7s %8s %12s | %8s %9s\n", "whole training steps",
         "tokens/s", "GFLOP/s", "forward", "backwd", "optim", "ceiling", "fraction", "middle half",
         "optim ms", "memory MB");
}

static void print_line(const char *name, const Trainer *t, double measured[][ROUNDS_MAX],
                       int rounds) {
  double m[MEASURES], flops = trainer_flops(t), tokens = (double)(t->batch.B * t->batch.T);
  for (int k = 0; k < MEASURES; k++) m[k] = median(measured[k], rounds); /* and now sorted */
  printf("%-22s %8.0f %8.1f | %6.1f%% %6.1f%% %5.1f%% | %7.1f %7.1f%% %5.1f-%4.1f%% | "
         "%8.1f %9.0f\n",
         name, tokens / m[STEP], flops / m[STEP] / 1e9, 100 * m[OF_FORWARD], 100 * m[OF_BACKWARD],
         100 * m[OPTIMIZER] / m[STEP], m[CEILING] / 1e9, 100 * m[WHOLE],
         100 * measured[WHOLE][rounds / 4], 100 * measured[WHOLE][rounds - 1 - rounds / 4],
         1e3 * m[OPTIMIZER], trainer_bytes(t) / 1e6);
  fflush(stdout);
}

int bench_step(const char *name, const ModelOptions *size, int64_t B, const Optimizer *method,
               int rounds, Err *err) {
  Trainer t;
  ProductShape shapes[5];
  double measured[MEASURES][ROUNDS_MAX];
  if (trainer_open(&t, size, B, method, err)) return -1;
  int count = product_shapes(size, B * size->context, shapes);
  double flops = trainer_flops(&t), before = sgemm_ceiling(shapes, count);
  for (int i = 0; i < rounds; i++) {
    StepSeconds s = trainer_step(&t);
    double step = s.forward + s.backward + s.optimizer, after = sgemm_ceiling(shapes, count);
    double beside = (before + after) / 2;
    const double values[MEASURES] = {
        [STEP] = step,
        [OPTIMIZER] = s.optimizer,
        [CEILING] = after,
        [WHOLE] = flops / step / beside,
        [OF_FORWARD] = flops / 3 / s.forward / beside,
        [OF_BACKWARD] = flops * 2 / 3 / s.backward / beside,
    };
    for (int k = 0; k < MEASURES; k++) measured[k][i] = values[k];
    before = after;
  }
  print_line(name, &t, measured, rounds);
  trainer_close(&t);
  return 0;
}
