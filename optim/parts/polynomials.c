#include "optim/parts/polynomials.h"

#include <math.h>
#include <string.h>

#include "core/int64.h"

typedef struct {
  int steps;
  double margin, eps;
  double safety; /* not 0: f(x / safety), except in the last of the polynomials */
  int direct;
  int64_t count; /* of polynomials; further steps repeat the last one */
  const double (*abc)[3];
} Schedule;

#define POLYNOMIALS(...)                                                                           \
  .abc = (const double[][3]){__VA_ARGS__},                                                         \
  .count = sizeof((const double[][3]){__VA_ARGS__}) / (3 * sizeof(double))

static const Schedule schedules[NS_SCHEDULE_COUNT] = {
    /* K. Jordan et al., Muon (2024): one step, repeated; ends in 0.68..1.13, not at 1 */
    [NS_JORDAN] = {.steps = 5, .margin = 1, .eps = NS_EPS,
     POLYNOMIALS({3.4445, -4.7750, 2.0315})},
    /* You Jiacheng, six steps, in 1/1024 */
    [NS_YOU] = {.steps = 6, .margin = 1, .eps = NS_EPS,
     POLYNOMIALS({3955 / 1024., -8306 / 1024., 5008 / 1024.},
                 {3735 / 1024., -6681 / 1024., 3463 / 1024.},
                 {3799 / 1024., -6499 / 1024., 3211 / 1024.},
                 {4019 / 1024., -6385 / 1024., 2906 / 1024.},
                 {2677 / 1024., -3029 / 1024., 1162 / 1024.},
                 {2172 / 1024., -1833 / 1024., 682 / 1024.})},
    /* Cesista, You, Jordan: Squeezing 1-2% efficiency gains out of Muon (2025) */
    [NS_CESISTA] = {.steps = 5, .margin = 1, .eps = NS_EPS,
     POLYNOMIALS({4.0848, -6.8946, 2.9270}, {3.9505, -6.3029, 2.6377}, {3.7418, -5.5913, 2.3037},
                 {2.8769, -3.1427, 1.2046}, {2.8366, -3.0525, 1.2012})},
    /* Amsel et al., Polar Express, arXiv 2505.16932: l = 1e-3; eight steps there, five here */
    [NS_POLAR_EXPRESS] = {.steps = 5, .margin = 1.01, .eps = NS_EPS, .safety = 1.01,
     POLYNOMIALS({8.28721201814563, -23.595886519098837, 17.300387312530933},
                 {4.107059111542203, -2.9478499167379106, 0.5448431082926601},
                 {3.9486908534822946, -2.908902115962949, 0.5518191394370137},
                 {3.3184196573706015, -2.488488024314874, 0.51004894012372},
                 {2.300652019954817, -1.6689039845747493, 0.4188073119525673},
                 {1.891301407787398, -1.2679958271945868, 0.37680408948524835},
                 {1.8750014808534479, -1.2500016453999487, 0.3750001645474248},
                 {1.875, -1.25, 0.375})},
    /* Grishina, Smirnov, Rakhuba: CANS, arXiv 2506.10935 */
    [NS_CANS] = {.steps = 5, .margin = 1, .eps = NS_EPS,
     POLYNOMIALS({8.4703, -25.1081, 18.6293}, {4.1828, -3.1087, 0.5806}, {3.9619, -2.9541, 0.5630},
                 {3.2866, -2.4647, 0.5074}, {2.2737, -1.6447, 0.4162})},
    /* Taylor of 1/sqrt at 1, degree 2 and degree 1 in X X^T */
    [NS_CLASSICAL] = {.steps = 5, .margin = 1, .eps = NS_EPS,
     POLYNOMIALS({1.875, -1.25, 0.375})},
    [NS_CUBIC] = {.steps = 5, .margin = 1, .eps = NS_EPS,
     POLYNOMIALS({1.5, -0.5, 0})},
    /* Polar Express with safety 1.02 in the numbers, as modded-nanogpt and Dion use it; eps is
       Dion's (modded-nanogpt's is 1e-6) */
    [NS_DION] = {.steps = 5, .margin = 1.02, .eps = 1e-8,
     POLYNOMIALS({8.156554524902461, -22.48329292557795, 15.878769915207462},
                 {4.042929935166739, -2.808917465908714, 0.5000178451051316},
                 {3.8916678022926607, -2.772484153217685, 0.5060648178503393},
                 {3.285753657755655, -2.3681294933425376, 0.46449024233003106},
                 {2.3465413258596377, -1.7097828382687081, 0.42323551169305323})},
    /* modded-nanogpt's third track: twelve times the same, for accuracy rather than speed */
    [NS_TRACK3] = {.steps = 12, .margin = 1, .eps = NS_EPS,
     POLYNOMIALS({2, -1.5, 0.5})},
    /* The optimal polynomials of Polar Express for l = 1e-6: singular values from 1e-6 to 1 come to
       1 within 3e-7 in float. The safety keeps rounding from leaving the interval, outside of which
       iterates diverge. This schedule is ours; its eps is 0, so that the result does not depend on
       the scale of X. */
    [NS_CONVERGED] = {.steps = 13, .margin = 1, .eps = 0, .safety = 1.01, .direct = 1,
     POLYNOMIALS({8.3216591150049073, -23.693966523161023, 17.372299086497001},
                 {4.1607921483994179, -2.9617438335614743, 0.54288850090901586},
                 {4.1606191940148696, -2.961698622280835, 0.54289449340646712},
                 {4.1598997604985346, -2.961510591182321, 0.5429194403934452},
                 {4.1569098222744625, -2.960729712390378, 0.54302346811970026},
                 {4.1445297521224145, -2.9575063092065315, 0.54346023988509551},
                 {4.0940504146883381, -2.9445338213672918, 0.54534531438712874},
                 {3.9007399781544754, -2.8977936427535558, 0.55434430154967262},
                 {3.1628438357379722, -2.371517257499383, 0.4968194561022638},
                 {2.1814761208059448, -1.5597562727785026, 0.40709137813564772},
                 {1.8817926152272137, -1.2575268171563547, 0.37575347548841642},
                 {1.8750001090375588, -1.2500001213455409, 0.37500001230798707},
                 {1.8749999999611615, -1.249999999922323, 0.37499999996116151})},
};

NewtonSchulzPlan newton_schulz_plan(const NewtonSchulz *ns) {
  const Schedule *s = &schedules[ns->schedule];
  NewtonSchulzPlan plan = {.steps = ns->steps ? ns->steps : s->steps, .margin = s->margin,
                           .eps = s->eps, .direct = s->direct};
  for (int64_t k = 0; k < plan.steps; k++) {
    int64_t at = i64_min(k, s->count - 1);
    double safety = s->safety != 0 && at < s->count - 1 ? s->safety : 1;
    for (int i = 0; i < 3; i++) plan.abc[k][i] = s->abc[at][i] / pow(safety, 2 * i + 1);
  }
  return plan;
}

NewtonSchulzPlan newton_schulz_repeat(const double abc[3], int64_t steps) {
  NewtonSchulzPlan plan = {.steps = steps, .margin = 1, .eps = NS_EPS};
  for (int64_t k = 0; k < steps; k++) memcpy(plan.abc[k], abc, sizeof plan.abc[k]);
  return plan;
}
