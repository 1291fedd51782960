/* SOAP-Muon: Muon with its momentum preconditioned as by SOAP. KellerJordan/modded-nanogpt f411b3d,
   records/track_3_optimization/results/20260504_contra_muon_mlp_soapish, of which this is the
   preconditioner alone, on all matrices of the blocks. With Muon's momentum Z, the averages
     L = b L + (1 - b) G G^T,  R = b R + (1 - b) G^T G,  b = beta2, and their eigenbases P, Q:
     S = P^T Z Q,  V = b V + (1 - b) S^2,  Y = P [ S / (sqrt(V) + eps) ] Q^T ||Z|| / ||Y||,
     W = (1 - lr wd) W - lr scale msgn(Y).
   The first step is Muon's. The bases are updated after each step, as in optim/soap.c. The record
   also subtracts part of Z (Contra-Muon), normalizes rows (NorMuon), and keeps each step above 0.35
   of the weights' norm; it preconditions only the matrices of the MLP. */
#include "optim/optim.h"
#include "optim/parts/adam.h"
#include "optim/parts/momentum.h"
#include "optim/parts/polar.h"
#include "optim/parts/shampoo.h"

typedef struct {
  double momentum, beta2, eps;
  int64_t gap;
  int nesterov, scale;
  Polar polar;
} SoapMuonOptions;

#define FIELD(member) offsetof(SoapMuonOptions, member)
static const Option table[] = {
    MOMENTUM_OPTION(SoapMuonOptions, momentum, "0.95"),
    NESTEROV_OPTION(SoapMuonOptions, nesterov, "on"),
    {.name = "beta2", .help = "Decay of the second moment and of the preconditioners",
     .type = OPTION_REAL, .at = FIELD(beta2), .fallback = "0.9", .below = 1},
    {.name = "eps", .help = "Constant added to the root of the second moment",
     .type = OPTION_REAL, .at = FIELD(eps), .fallback = "1e-8", .min = 1e-30, .max = 1e30},
    {.name = "update-gap", .help = "Steps between new bases (K)",
     .type = OPTION_INT, .at = FIELD(gap), .fallback = "10", .min = 1, .max = 1e12},
    POLAR_OPTIONS(SoapMuonOptions, polar, "newton-schulz", "track3"),
    SHAPE_SCALE_OPTION(SoapMuonOptions, scale, "kj"),
    {0},
};

enum { MOMENTUM, V, L, R, P, Q };
static const Slot slots[] = {
    {.name = "momentum", .kind = SLOT_MOMENTUM, .floats = slot_full},
    {.name = "v", .kind = SLOT_SECOND, .floats = slot_full},
    {.name = "l", .kind = SLOT_SECOND, .floats = slot_rows_square},
    {.name = "r", .kind = SLOT_SECOND, .floats = slot_cols_square},
    {.name = "p", .kind = SLOT_BASIS, .floats = slot_rows_square},
    {.name = "q", .kind = SLOT_BASIS, .floats = slot_cols_square},
    {0},
};

typedef struct {
  float *z, *u, *half; /* (rows,cols) step, the same in the eigenbasis, between two rotations */
  PolarWork polar;
  ShampooWork shampoo;
} SoapMuonWork;

static void layout(void *work, Scratch *s, const Matrix *p, const void *options) {
  const SoapMuonOptions *o = options;
  SoapMuonWork *w = work;
  w->z = scratch_floats(s, matrix_size(p));
  Scratch turning = *s, orthogonalizing = *s, averaging = *s;
  w->u = scratch_floats(&turning, matrix_size(p));
  w->half = scratch_floats(&turning, matrix_size(p));
  polar_layout(&w->polar, &orthogonalizing, p->rows, p->cols, &o->polar);
  shampoo_layout(&w->shampoo, &averaging, p->rows, p->cols);
  scratch_join(s, &turning);
  scratch_join(s, &orthogonalizing);
  scratch_join(s, &averaging);
}

/* Z becomes Y. */
static void precondition(float *z, const Matrix *p, const Shampoo *bases, const SoapMuonOptions *o,
                         const SoapMuonWork *work) {
  int64_t size = matrix_size(p);
  double length = frobenius_norm(z, size);
  rotate(work->u, z, p->rows, p->cols, bases->P, bases->Q, 1, work->half);
  divide_by_root(work->u, bases->V, work->u, size, o->beta2, o->eps);
  rotate(z, work->u, p->rows, p->cols, bases->P, bases->Q, 0, work->half);
  double now = frobenius_norm(z, size);
  scale_numbers(z, size, 1, now > 0 ? length / now : 0);
}

static void update(const Matrix *p, float *const *slot, const void *options, Step *step) {
  const SoapMuonOptions *o = options;
  const SoapMuonWork *work = step->work;
  const Shampoo bases = {slot[L], slot[R], slot[P], slot[Q], slot[V]};
  float *z = work->z;
  momentum_ema(z, slot[MOMENTUM], p->g, matrix_size(p), o->momentum, o->nesterov);
  if (step->t > 1) precondition(z, p, &bases, o, work);
  polar_factor(z, p->rows, p->cols, &o->polar, &work->polar);
  apply_update(p, step->keep, step->rate * shape_scale(o->scale, p->rows, p->cols), z);
  shampoo_update(&bases, p->g, p->rows, p->cols, o->beta2, step->t, o->gap, &work->shampoo);
}

static double flops(const Matrix *p, const void *options) {
  const SoapMuonOptions *o = options;
  double m = (double)p->rows, n = (double)p->cols;
  return 4 * (m * m * n + m * n * n) + 20 * m * n + shampoo_flops(p->rows, p->cols, o->gap) +
         polar_flops(p->rows, p->cols, &o->polar);
}

const Optimizer soap_muon = {
    .name = "soap-muon",
    .summary = "Muon on momentum that is preconditioned as by SOAP",
    .reference = "modded-nanogpt, track 3, 2026-05-04: contra_muon_mlp_soapish (code)",
    .ours = "lr=0.02 aux-lr=0.0036",
    .like = "muon",
    .tune = "lr, aux-lr, beta2, update-gap",
    .options = table,
    .options_size = sizeof(SoapMuonOptions),
    .slots = slots,
    .accepts = accepts_matrices,
    .update = update,
    .layout = layout,
    .work_size = sizeof(SoapMuonWork),
    .flops = flops,
};
