/* problem: small matrix problems that show one property of an optimizer. */
#include "tools/problems/problems.h"
#include "tools/spectra/frame.h"

static const Study *const studies[] = {&study_memory, &study_noise, NULL};

static const StudyProgram problem = {
    .name = "problem",
    .summary = "Shows one property of optimizers on a small problem: one matrix, no network.",
    .about = "The optimizers are those of ./train --list. --optimizers takes names with\n"
             "settings after a colon: \"muon sgd:momentum=0 low-rank-muon:rank=8,lr=0.1\".\n\n"
             "Prints tables, and writes them as CSV and figures into --out.",
    .studies = studies,
};

int main(int argc, char **argv) { return studies_main(&problem, argc, argv); }
