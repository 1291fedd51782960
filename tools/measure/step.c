#include "tools/measure/step.h"

#include <stdio.h>

#include "tools/measure/trainer.h"

void bench_step_header(void) {
  printf("%-22s %9s %9s | %7s %7s %7s | %7s %9s | %8s %9s\n", "whole training steps", "tokens/s",
         "GFLOP/s", "forward", "backwd", "optim", "ceiling", "fraction", "optim ms", "memory MB");
}

static void print_line(const char *name, const Trainer *t, StepSeconds s, double step,
                       double ceiling) {
  double flops = trainer_flops(t), tokens = (double)(t->batch.B * t->batch.T);
  printf("%-22s %9.0f %9.1f | %6.1f%% %6.1f%% %6.1f%% | %7.1f %8.1f%% | %8.1f %9.0f\n", name,
         tokens / step, flops / step / 1e9, 100 * flops / 3 / s.forward / ceiling,
         100 * flops * 2 / 3 / s.backward / ceiling, 100 * s.optimizer / step, ceiling / 1e9,
         100 * flops / step / ceiling, 1e3 * s.optimizer, trainer_bytes(t) / 1e6);
  fflush(stdout);
}

int bench_step(const char *name, const ModelOptions *size, int64_t B, const Optimizer *method,
               int rounds, Err *err) {
  Trainer t;
  ProductShape shapes[5];
  double forward[ROUNDS_MAX], backward[ROUNDS_MAX], optimizer[ROUNDS_MAX], step[ROUNDS_MAX];
  double ceiling[ROUNDS_MAX];
  if (trainer_open(&t, size, B, method, err)) return -1;
  int count = product_shapes(size, B * size->context, shapes);
  for (int i = 0; i < rounds; i++) {
    StepSeconds s = trainer_step(&t);
    forward[i] = s.forward;
    backward[i] = s.backward;
    optimizer[i] = s.optimizer;
    step[i] = s.forward + s.backward + s.optimizer;
    ceiling[i] = sgemm_ceiling(shapes, count);
  }
  StepSeconds s = {median(forward, rounds), median(backward, rounds), median(optimizer, rounds)};
  print_line(name, &t, s, median(step, rounds), median(ceiling, rounds));
  trainer_close(&t);
  return 0;
}
