# polar.c. `make` builds, `make demo` shows, `make test` checks, `make bench` measures.

# ---- yours to set ----
CC     = cc
ARCH   = -march=native
OPT    = -O3
OPENMP = -fopenmp
WARN   = -Wall -Wextra -Wshadow -Wno-unknown-pragmas -Wno-pass-failed

# ---- from here on the project's ----
# No -ffast-math: NaN has to stay NaN. These let loops vectorize and keep it so.
MATH   = -ffp-contract=fast -fno-math-errno -fno-trapping-math
BLAS_C = $(shell pkg-config --cflags openblas 2>/dev/null)
BLAS_L = $(shell pkg-config --libs openblas 2>/dev/null || echo -lopenblas)
CFLAGS = -std=c11 -D_GNU_SOURCE $(OPT) $(ARCH) $(OPENMP) $(MATH) $(WARN) -I. $(BLAS_C)
LIBS   = $(BLAS_L) -lz -lm
SANITIZE = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined

BASE   = $(wildcard core/*.c) $(wildcard model/*.c)
ALL    = $(BASE) $(wildcard optim/*.c data/*.c run/*.c)
PARTS  = $(wildcard tools/*/*.c)
TOOLS  = $(patsubst %.c,%,$(wildcard tools/*.c))
TESTS  = $(patsubst tests/%.c,%,$(wildcard tests/test_*.c))
SANITIZED = test_optim test_laws test_family test_orthogonalize test_options test_tokenizer test_data \
            test_formats test_sample test_spectrum
CHECK  = tests/check.o tests/fixture.o tests/program.o
STEPS  = tests/golden.o tests/problem.o # of the optimizers, which are float only

all: train $(TOOLS)

# A short line for each thing made; `make V=1` shows the whole commands.
say = $(if $(V),,@echo '  $(1) $@'; )

# Every object has its source's place below a folder per kind of build: f32 for the programs, f64
# with `real` = double for finite differences, asan under the sanitizers.
build/f32/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

build/f64/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CFLAGS) -DREAL_IS_DOUBLE -MMD -MP -c $< -o $@

build/asan/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CFLAGS) $(SANITIZE) -MMD -MP -c $< -o $@

LINK = $(call say,LD)$(CC) $(CFLAGS) $^ $(LIBS) -o $@

train: build/f32/train.o $(ALL:%.c=build/f32/%.o)
	$(LINK)

$(TOOLS): %: build/f32/%.o $(PARTS:%.c=build/f32/%.o) $(ALL:%.c=build/f32/%.o)
	$(LINK)

# info.txt names what was built: the revision, "+" behind it when files differ from it.
build/f32/run/folder.o: CFLAGS += -DBUILD_REVISION='"$(REVISION)"' -DBUILD_FLAGS='"$(OPT) $(ARCH) $(OPENMP) $(MATH)"'
REVISION := $(shell git describe --always --dirty=+ 2>/dev/null || echo unknown)
build/f32/run/folder.o: build/revision
build/revision: FORCE
	@mkdir -p $(@D)
	@echo '$(REVISION)' | cmp -s - $@ || echo '$(REVISION)' >$@
# The texts that the assembler includes.
build/f32/data/embedded.o build/asan/data/embedded.o: data/austen.txt.gz data/gpt2_merges.bin

# ---- tests ----
build/test_%_double: build/f64/tests/test_%_double.o $(CHECK:%=build/f64/%) \
                     $(BASE:%.c=build/f64/%.o)
	$(LINK)

build/test_%: build/f32/tests/test_%.o $(CHECK:%=build/f32/%) $(STEPS:%=build/f32/%) \
              $(PARTS:%.c=build/f32/%.o) $(ALL:%.c=build/f32/%.o)
	$(LINK)

build/asan/test_%: build/asan/tests/test_%.o $(CHECK:%=build/asan/%) $(STEPS:%=build/asan/%) \
                   $(PARTS:%.c=build/asan/%.o) $(ALL:%.c=build/asan/%.o)
	$(call say,LD)$(CC) $(CFLAGS) $(SANITIZE) $^ $(LIBS) -o $@

build/asan/train: build/asan/train.o $(ALL:%.c=build/asan/%.o)
	$(call say,LD)$(CC) $(CFLAGS) $(SANITIZE) $^ $(LIBS) -o $@

test: install
	@sh tools/install-fuzzer.sh || true
	@$(MAKE) --no-print-directory run-tests

run-tests: all $(TESTS:%=build/%) build/asan/train $(SANITIZED:%=build/asan/%)
	sh tests/run.sh $(TESTS)

# ---- fuzzing: each reader of a format, for FUZZ_SECONDS, under the sanitizers ----
FUZZ_CC = clang
FUZZ_SECONDS = 60
FUZZ = $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_PARTS = tests/fuzz/input.c $(ALL) tools/report/runlog.c

# What is written about a run's folder; the target itself takes gnuplot's place.
FUZZ_REPORT = $(filter-out tools/report/gnuplot.c,$(wildcard tools/report/*.c))

build/fuzz/%: OPENMP =
build/fuzz/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC)$(FUZZ_CC) $(CFLAGS) $(SANITIZE) -fsanitize=fuzzer-no-link -MMD -MP -c $< -o $@

build/fuzz/fuzz_%: build/fuzz/tests/fuzz/fuzz_%.o $(FUZZ_PARTS:%.c=build/fuzz/%.o)
	$(call say,LD)$(FUZZ_CC) $(CFLAGS) $(SANITIZE) -fsanitize=fuzzer $^ $(LIBS) -o $@

build/fuzz/fuzz_page: $(FUZZ_REPORT:%.c=build/fuzz/%.o)

fuzz: install
	@sh tools/install-fuzzer.sh
	@$(MAKE) --no-print-directory run-fuzz

run-fuzz: $(FUZZ:%=build/fuzz/fuzz_%)
	sh tests/fuzz/run.sh $(FUZZ_SECONDS) $(FUZZ)

# ---- for people ----
install:
	@sh tools/install.sh

demo: install
	@$(MAKE) --no-print-directory -j$(shell nproc 2>/dev/null || echo 2) all
	sh tools/demo.sh

bench: install
	@$(MAKE) --no-print-directory tools/bench
	tools/bench

compare: install
	@$(MAKE) --no-print-directory train tools/sweep tools/compare
	tools/sweep tools/specs/compare.spec
	tools/compare runs/compare --html report/index.html

compare-quick: install
	@$(MAKE) --no-print-directory train tools/sweep tools/compare
	tools/sweep tools/specs/compare-quick.spec
	tools/compare runs/compare-quick --html report/index.html

# Redraws README's figures and tables from the kept logs in results/, without training.
report: install
	@$(MAKE) --no-print-directory tools/compare
	sh tools/report.sh

# About 45 MB of text in the public domain, from the system's packages.
corpus:
	sh tools/corpus.sh

clean:
	rm -rf build train $(TOOLS)

-include $(shell find build -name '*.d' 2>/dev/null)
.PHONY: FORCE all test run-tests fuzz run-fuzz install demo bench compare compare-quick report corpus clean
.SECONDARY:
