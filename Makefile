# polar.c. `make` builds, `make demo` shows, `make test` checks, `make bench` measures.

# ---- yours to set ----
CC     = cc
ARCH   = -march=native
OPT    = -O3
OPENMP = -fopenmp
WARN   = -Wall -Wextra -Wshadow -Wno-unknown-pragmas

# ---- from here on the project's ----
# No -ffast-math: NaN has to stay NaN. These let loops vectorize and keep it so.
MATH   = -ffp-contract=fast -fno-math-errno -fno-trapping-math
BLAS_C := $(shell pkg-config --cflags openblas 2>/dev/null)
BLAS_L := $(shell pkg-config --libs openblas 2>/dev/null || echo -lopenblas)
CFLAGS = -std=c11 -D_GNU_SOURCE $(OPT) $(ARCH) $(OPENMP) $(MATH) $(WARN) -I. $(BLAS_C)
LIBS   = $(BLAS_L) -lz -lm

CORE   = $(wildcard core/*.c)
MODEL  = $(wildcard model/*.c)
SHARED = $(CORE) $(MODEL) $(wildcard optim/*.c data/*.c run/*.c)
TOOLS  = $(patsubst tools/%.c,%,$(wildcard tools/*.c))
# Tests named *_double.c are linked with core/ and model/ built in double precision.
TESTS  = $(patsubst tests/%.c,%,$(wildcard tests/test_*.c))

all: train $(TOOLS)

build/f32/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

build/f64/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -DREAL_IS_DOUBLE -MMD -MP -c $< -o $@

F32 = $(SHARED:%.c=build/f32/%.o)
F64 = $(patsubst %.c,build/f64/%.o,$(CORE) $(MODEL))

train: build/f32/train.o $(F32)
	$(CC) $(CFLAGS) $^ $(LIBS) -o $@

# ---- tests ----
TEST_PARTS = tests/check.o tests/fixture.o

build/test_%_double: build/f64/tests/test_%_double.o $(TEST_PARTS:%=build/f64/%) $(F64)
	$(CC) $(CFLAGS) $^ $(LIBS) -o $@

build/test_%: build/f32/tests/test_%.o $(TEST_PARTS:%=build/f32/%) $(F32)
	$(CC) $(CFLAGS) $^ $(LIBS) -o $@

clean:
	rm -rf build train $(TOOLS)

-include $(shell find build -name '*.d' 2>/dev/null)
.PHONY: all clean
.SECONDARY:
