# polar.c. `make` builds, `make help` lists the rest.

# ---- settings: change them here or on the command line ----
MPI    =# 1: for several processes, with mpicc
CC     = $(if $(MPI),mpicc,cc)
ARCH   = -march=native
OPT    = -O3
OPENMP = -fopenmp
BLAS_C = $(shell pkg-config --cflags openblas 2>/dev/null)
BLAS_L = $(shell pkg-config --libs openblas 2>/dev/null || echo -lopenblas)
PREFIX = /usr/local
# All output. If it is another folder, the programs are put there too.
BUILD  = build

# ---- no settings below this line ----
WARN   = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes \
         -Wmissing-prototypes -Wno-unknown-pragmas -Wno-pass-failed
WERROR =# -Werror in CI
# No -ffast-math: NaN must stay NaN. These flags allow vectorization without it.
MATH   = -ffp-contract=fast -fno-math-errno -fno-trapping-math
CFLAGS = -std=c11 -D_GNU_SOURCE $(OPT) $(ARCH) $(OPENMP) $(MATH) $(WARN) $(WERROR) -I. $(BLAS_C) $(if $(MPI),-DPOLAR_MPI)
LIBS   = $(BLAS_L) -lz -lm
SANITIZE = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined
FUZZ_CC = clang
FUZZ_SECONDS = 60

PARTS  = $(wildcard $(patsubst %,%/*.c,core model model/* optim optim/* data run tools/*))
DOUBLE = $(wildcard core/*.c model/*.c model/*/*.c)
TOOLS  = $(patsubst %.c,%,$(wildcard tools/*.c))
TESTS  = $(patsubst tests/%.c,%,$(wildcard tests/test_*.c))
CHECKS = $(filter-out tests/test_%.c,$(wildcard tests/*.c))
FLOAT_CHECKS = tests/golden.c tests/problem.c tests/token_files.c
FUZZ   = $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
# The folder of the programs: the project's folder, or BUILD if that was changed.
BIN    = $(if $(filter-out build,$(BUILD)),$(BUILD)/)

all: $(BIN)train $(TOOLS:%=$(BIN)%)   ## The programs (default)

# ---- objects and libraries ----
# Each kind of build is a folder in BUILD with an object for each source and libpolar.a, which has
# all objects without a main: f32 for the programs, f64 with `real` = double for finite differences,
# asan with sanitizers, fuzz with sanitizers and libFuzzer, analyze with -fanalyzer.
compile_f32  := $(CC) $(CFLAGS)
compile_f64  := $(CC) $(CFLAGS) -DREAL_IS_DOUBLE
compile_asan := $(CC) $(CFLAGS) $(SANITIZE)
compile_fuzz := $(FUZZ_CC) $(filter-out $(OPENMP),$(CFLAGS)) $(SANITIZE) -fsanitize=fuzzer-no-link
# Off: false positives of gcc 12 for arrays filled by a called function and memory kept in a list
# (valgrind and the sanitizers check both), and small allocations that we do not check. OpenMP is
# off because its outlined loops cause false positives too.
compile_analyze := $(filter-out $(OPENMP),$(CC) $(CFLAGS)) -O1 -fanalyzer -Werror \
                   $(patsubst %,-Wno-analyzer-%,use-of-uninitialized-value malloc-leak \
                     null-dereference \
                     possible-null-dereference possible-null-argument)
parts_f64    := $(DOUBLE)
checks_f64   := $(filter-out $(FLOAT_CHECKS),$(CHECKS))

# Prints a short line for each target; `make V=1` shows the commands.
say = $(if $(V),,@echo '  $(1) $@'; )

# The file `flags` changes with the command, so that all objects are rebuilt.
define kind
$(BUILD)/$(1)/flags: FORCE
	@mkdir -p $$(@D)
	@echo '$$(compile_$(1))' | cmp -s - $$@ || echo '$$(compile_$(1))' >$$@

$(BUILD)/$(1)/%.o: %.c $(BUILD)/$(1)/flags
	@mkdir -p $$(@D)
	$$(call say,CC)$$(compile_$(1)) $$(MORE) -MMD -MP -c $$< -o $$@

$(BUILD)/$(1)/libpolar.a: $(patsubst %.c,$(BUILD)/$(1)/%.o,$(or $(parts_$(1)),$(PARTS)))
	@rm -f $$@
	$$(call say,AR)$(AR) rcs $$@ $$^

# What a test program is linked with.
$(1)_checks := $(patsubst %.c,$(BUILD)/$(1)/%.o,$(or $(checks_$(1)),$(CHECKS))) \
               $(BUILD)/$(1)/libpolar.a
endef
$(foreach k,f32 f64 asan fuzz analyze,$(eval $(call kind,$(k))))

# Test speed does not matter, and at -O3 gcc 12.2 for AArch64 has an internal error on loops of
# `most = fmax(most, fabs(x))`, which are common in tests.
$(BUILD)/f32/tests/%.o $(BUILD)/f64/tests/%.o: MORE = -O2

# info.txt names what was built: the revision, with a "+" after it when files differ from it.
$(BUILD)/%/run/info.o: MORE = -DBUILD_REVISION='"$(REVISION)"' \
                                -DBUILD_FLAGS='"$(OPT) $(ARCH) $(OPENMP) $(MATH)"'
REVISION := $(shell git describe --always --dirty=+ 2>/dev/null || echo unknown)
$(BUILD)/f32/run/info.o: $(BUILD)/revision
$(BUILD)/revision: FORCE
	@mkdir -p $(@D)
	@echo '$(REVISION)' | cmp -s - $@ || echo '$(REVISION)' >$@
# The texts that the assembler includes.
$(foreach k,f32 asan fuzz analyze,$(BUILD)/$(k)/data/embedded.o): \
  data/austen.txt.gz data/shakespeare.txt.gz data/gpt2_merges.bin

# ---- programs ----
link = $(call say,LD)$(compile_$(1)) $^ $(LIBS) -o $@

$(BIN)train: $(BUILD)/f32/train.o $(BUILD)/f32/libpolar.a
	$(call link,f32)

$(TOOLS:%=$(BIN)%): $(BIN)%: $(BUILD)/f32/%.o $(BUILD)/f32/libpolar.a
	@mkdir -p $(@D)
	$(call link,f32)

$(BUILD)/test_%_double: $(BUILD)/f64/tests/test_%_double.o $(f64_checks)
	$(call link,f64)

$(BUILD)/test_%: $(BUILD)/f32/tests/test_%.o $(f32_checks)
	$(call link,f32)

$(BUILD)/asan/test_%: $(BUILD)/asan/tests/test_%.o $(asan_checks)
	$(call link,asan)

# To debug a run: `make build/asan/train`.
$(BUILD)/asan/train: $(BUILD)/asan/train.o $(BUILD)/asan/libpolar.a
	$(call link,asan)

$(BUILD)/fuzz/fuzz_%: $(BUILD)/fuzz/tests/fuzz/fuzz_%.o $(BUILD)/fuzz/tests/fuzz/input.o \
                      $(BUILD)/fuzz/libpolar.a
	$(call say,LD)$(compile_fuzz) -fsanitize=fuzzer $^ $(LIBS) -o $@

# ---- tests ----
# Tests that run with sanitizers too: all except the finite differences (the same code as in
# test_training), test_checkpoint, which only starts programs, and test_cpu, which preloads a
# library.
SANITIZED = $(filter-out %_double test_checkpoint test_cpu,$(TESTS))
# The C tests that start no program: for other compilers, processors and builds of OpenBLAS.
FAST = $(filter-out test_checkpoint test_formats test_sample test_tokenize,$(TESTS))
# The tests among them that depend on OpenBLAS.
PRODUCTS = $(addprefix test_,blas family lapack laws optim orthogonalize pytorch spectrum training)

JOBS     = $(shell nproc 2>/dev/null || echo 2)
# Builds on all processors, unless make was started with -j.
parallel = --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS))

test: deps   ## All tests, after installing what they need
	@sh tools/deps.sh fuzzer || true
	@$(MAKE) --no-print-directory run-tests

run-tests:   ## All tests, with what is installed
	@$(MAKE) $(parallel) all $(TESTS:%=$(BUILD)/%) $(SANITIZED:%=$(BUILD)/asan/%)
	sh tests/run.sh $(TESTS:%=$(BUILD)/%) $(SANITIZED:%=$(BUILD)/asan/%) $(wildcard tests/test_*.sh)

fast-tests:   ## The C tests that start no program (with CC=clang ARCH=... BUILD=build/...)
	@$(MAKE) $(parallel) all $(FAST:%=$(BUILD)/%)
	sh tests/run.sh $(FAST:%=$(BUILD)/%)

test-optimizer:   ## One optimizer: its laws and what is missing (NAME=muon)
	@$(if $(NAME),,echo 'use: make test-optimizer NAME=muon'; exit 2)
	@$(MAKE) -s $(parallel) $(BUILD)/test_laws $(BUILD)/test_registry
	@$(BUILD)/test_laws '$(NAME)'; laws=$$?; $(BUILD)/test_registry '$(NAME)' && exit $$laws

test-blas:   ## C tests with each build of OpenBLAS and with its cores of other processors
	@$(MAKE) $(parallel) $(PRODUCTS:%=$(BUILD)/%)
	sh tests/blas.sh $(PRODUCTS:%=$(BUILD)/%)

$(BUILD)/peers/%: $(BUILD)/f32/tests/peers/%.o $(BUILD)/f32/libpolar.a
	@mkdir -p $(@D)
	$(call link,f32)

test-peers: deps   ## Models and tokenizers exchanged with transformers (PYTHON=python3)
	@$(MAKE) $(parallel) all $(BUILD)/peers/logits
	PYTHON='$(PYTHON)' sh tests/peers/run.sh

$(BUILD)/mpi/%: $(BUILD)/f32/tests/mpi/%.o $(BUILD)/f32/libpolar.a
	@mkdir -p $(@D)
	$(call link,f32)

test-mpi: deps   ## Several ranks, with Open MPI and MPICH
	@$(MAKE) $(parallel) all
	sh tests/mpi/run.sh

bench-ranks: all   ## Steps of two ranks over slow networks, compared with tools/bench ranks
	@$(MAKE) $(parallel) MPI=1 CC=mpicc.openmpi BUILD=build/openmpi build/openmpi/train build/openmpi/mpi/link
	sh tests/mpi/network.sh

test-slurm: deps   ## Job arrays in a Slurm of one node, as root
	@$(MAKE) $(parallel) train tools/sweep
	sh tests/slurm/run.sh

test-arm:   ## C tests on AArch64: cross-built, run by qemu-user
	sh tests/arm.sh

fuzz: deps   ## Every reader of a format under libFuzzer, FUZZ_SECONDS each
	@sh tools/deps.sh fuzzer
	@$(MAKE) --no-print-directory run-fuzz

run-fuzz:
	@$(MAKE) $(parallel) $(FUZZ:%=$(BUILD)/fuzz/fuzz_%)
	sh tests/fuzz/run.sh $(FUZZ_SECONDS) $(FUZZ)

# ---- for development ----
MAINS = train.c $(TOOLS:%=%.c)

lint: analyze   ## Analyzers, scripts, headers, language
	sh tools/lint.sh

analyze:   ## gcc's analyzer on every source file
	@$(MAKE) $(parallel) $(patsubst %.c,$(BUILD)/analyze/%.o,$(PARTS) $(MAINS))

# For editors and clang's tools.
compile_commands.json: FORCE   ## The compiler's command for each file, for editors
	@for file in $(PARTS) $(MAINS) $(wildcard tests/*.c); do \
	  printf '{"directory": "%s", "file": "%s", "command": "%s"},\n' "$(CURDIR)" "$$file" \
	    "$(compile_f32) -c $$file"; \
	done | sed '1s/^/[/; $$s/,$$/]/' >$@

# ---- for users ----
deps:   ## Installs the packages for building, testing and drawing
	@CC='$(CC)' sh tools/deps.sh

# Keeps the folder structure in lib/polar, since tools/sweep starts ../train. The manual pages and
# the completion are made from the programs' --help.
SHARE = $(DESTDIR)$(PREFIX)/share
MAN   = $(SHARE)/man/man1
COMPLETIONS = $(SHARE)/bash-completion/completions
install: all   ## Commands polar-train, polar-plot ... with manual pages, under PREFIX
	@mkdir -p '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/lib/polar/tools' '$(MAN)' '$(COMPLETIONS)'
	@install -m 644 tools/completion.bash '$(COMPLETIONS)/polar-train'
	@for program in train $(TOOLS); do \
	  command='$(DESTDIR)$(PREFIX)/bin/polar-'$$(basename "$$program"); \
	  install -m 755 "$(BIN)$$program" "$(DESTDIR)$(PREFIX)/lib/polar/$$program" && \
	  printf '#!/bin/sh\nexec "%s" "$$@"\n' "$(PREFIX)/lib/polar/$$program" >"$$command" && \
	  chmod 755 "$$command" && echo "$$command" || exit 1; \
	  name=$$(basename "$$command"); \
	  sh tools/man.sh "$(or $(BIN),./)$$program" "$$name" >'$(MAN)'/"$$name.1" || exit 1; \
	  [ "$$name" = polar-train ] || ln -sf polar-train '$(COMPLETIONS)'/"$$name"; \
	done

demo: deps   ## AdamW and Muon on the embedded novels, and a figure of both
	@$(MAKE) $(parallel) all
	./train --optimizer adamw --out runs/demo-adamw --overwrite on --val-every 25
	./train --optimizer muon --out runs/demo-muon --overwrite on --val-every 25
	tools/plot runs/demo-adamw runs/demo-muon --out runs/demo.png
	@tools/plot runs/demo-adamw runs/demo-muon
	@echo 'The same figure as a picture: runs/demo.png'

bench: deps   ## Measures the speed on this machine
	@$(MAKE) $(parallel) $(BIN)tools/bench
	$(BIN)tools/bench

compare compare-quick: deps   ## All optimizers on nano, rates tuned; five of them in minutes
	@$(MAKE) $(parallel) train tools/sweep tools/compare
	tools/sweep tools/specs/$@.spec
	tools/compare runs/$@ --html report/index.html

reproduce: deps   ## nanoGPT's CPU example, beside the losses of nanoGPT's own code
	@$(MAKE) $(parallel) train
	sh tools/reproduce.sh

results-quick: deps   ## A part of docs/results.md again, compared with the stored runs
	@$(MAKE) $(parallel) train tools/compare
	sh tools/results_quick.sh

report: deps   ## Draws the figures and tables of results/ again from its logs
	@$(MAKE) $(parallel) tools/compare
	sh tools/report.sh

# About 45 MB, from the system's packages.
corpus:   ## Fetches a larger text in the public domain
	sh tools/corpus.sh

help:   ## This list
	@awk -F ':.*   ## ' '/^[a-z][a-z_. -]*:.*   ## / { printf "  make %-24s %s\n", $$1, $$2 }' Makefile
	@echo 'Settings: MPI CC ARCH OPT OPENMP BLAS_C BLAS_L BUILD PREFIX FUZZ_SECONDS; V=1 shows commands.'

clean:   ## Removes all build output
	rm -rf build train $(TOOLS) compile_commands.json

FORCE:
.PHONY: FORCE all test run-tests fast-tests test-optimizer test-blas test-arm test-peers test-mpi \
        bench-ranks test-slurm fuzz run-fuzz lint analyze deps install demo bench compare compare-quick \
        reproduce results-quick report corpus help clean
# Objects that only pattern rules name; make would delete them as intermediate files.
.SECONDARY: $(foreach k,f32 f64 asan fuzz,$(patsubst %.c,$(BUILD)/$(k)/%.o, \
              $(wildcard tests/*.c tests/fuzz/*.c) $(MAINS)))
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
