/* Scion's directions, also of ClippedScion. */
#ifndef OPTIM_SCION_H
#define OPTIM_SCION_H

#include "optim/optim.h"
#include "optim/parts/lmo.h"

#define HEAD_NORMS(X) X(HEAD_SIGN, "sign") X(HEAD_ADAMW, "adamw")
enum { HEAD_NORMS(CHOICE_NAME) };

/* The balls of the parameters, and what finds the direction in them. */
typedef struct {
  double alpha, radius, head_radius;
  int head_norm;
  Polar polar;
} Balls;

/* The rows for an option table; `balls` is the name of its Balls. */
#define BALL_OPTIONS(Options, balls)                                                               \
  {.name = "alpha", .help = "Weight of the new gradient in the momentum",                          \
   .type = OPTION_REAL, .at = offsetof(Options, balls.alpha), .fallback = "0.1", .min = 1e-7,      \
   .max = 1},                                                                                      \
  {.name = "radius",                                                                               \
   .help = "Radius of the norm ball for hidden matrices; multiplies the learning rate",            \
   .type = OPTION_REAL, .at = offsetof(Options, balls.radius), .fallback = "50", .max = 1e30},     \
  {.name = "head-norm", .help = "Norm for steps of the head (adamw: use the auxiliary AdamW)",     \
   .type = OPTION_CHOICE, .at = offsetof(Options, balls.head_norm), .fallback = "sign",            \
   .choices = HEAD_NORMS(CHOICE_WORD)},                                                            \
  {.name = "head-radius", .help = "Radius of the norm ball for the head",                          \
   .type = OPTION_REAL, .at = offsetof(Options, balls.head_radius), .fallback = "3000",            \
   .max = 1e30, .needs = "head-norm=sign"},                                                        \
  POLAR_OPTIONS(Options, balls.polar, "newton-schulz", "jordan")

int balls_accept(const Matrix *shape, const Balls *balls);
void balls_layout(PolarWork *work, Scratch *s, const Matrix *shape, const Balls *balls);

/* D = (1 - alpha) D + alpha G and Z = LMO(D), both (rows,cols). Returns the radius, to multiply Z
   by. */
double balls_direction(float *z, float *d, const Matrix *m, const Balls *balls,
                       const PolarWork *work);
double balls_flops(const Matrix *shape, const Balls *balls);

#endif
