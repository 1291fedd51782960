/* spectrum: what orthogonalization does to singular values, in tables and figures. */
#include "tools/spectra/frame.h"

static const Study *const studies[] = {
    &study_step,     &study_gradients, &study_scale,  &study_momentum,
    &study_converge, &study_isotropic, &study_growth, &study_methods, NULL};

static const StudyProgram spectrum = {
    .name = "spectrum",
    .summary = "Shows what orthogonalization does to singular values.",
    .about = "Prints tables, and writes them as CSV and figures into --out. To follow the\n"
             "singular values of a training run: ./train --log-spectrum 50, then\n"
             "tools/plot FOLDER --spectrum quantiles.\n\n"
             "The polar factor of X = U S V^T is U V^T: all singular values become 1. jordan,\n"
             "you, cesista, ... are the Newton-Schulz coefficients of --ns-schedule, named\n"
             "after people and papers: docs/optimizers.md lists them.",
    .studies = studies,
};

int main(int argc, char **argv) { return studies_main(&spectrum, argc, argv); }
