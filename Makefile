# Nothing but Go and make is needed beforehand; every target may be run again
# at any time, as root or with sudo, and asks no questions.

SHELL         := /bin/bash
GO            ?= go
VERSION       ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# Go's own ten minutes do not do for small machines that have only OpenCV.
TEST          := $(GO) test -timeout 30m
LDFLAGS       := -X main.version=$(VERSION)
BIN           := bin/spineflex

# gocv binds all of OpenCV, some 260 libraries with windows and cameras among
# them, 0.15 s at every start. What nobody calls is left out when the program is
# linked, and with it the libraries that only that needs; GNU's linker would have
# decided on those before. Without these flags the program is the same, but slow
# to start.
export CGO_CXXFLAGS := -O2 -g -ffunction-sections -fdata-sections
export CGO_LDFLAGS  := -O2 -g -fuse-ld=lld -Wl,--gc-sections,--as-needed

# Linters run from source at these versions: the module cache is their only home.
GOLANGCI      := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK   := $(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0

# The measuring half knows no cgo (docs: the wall is pkg/recording).
MEASURING     := $(patsubst %,./%/...,$(wildcard $(addprefix pkg/,recording signal lift spine rom analysis report export figure unit traininglog progression progress)))
# Packages with goroutines of their own.
CONCURRENT    := $(patsubst %,./%/...,$(wildcard $(addprefix pkg/,video infer perception spine job worker batch summary))) ./pkg/store

# Clips with known truth and labels, and the scorer, kept beside the project.
SHARED        ?= ../shared

# Of fuzz-clips and kills.
N             ?= 500
FROM          ?= 0
SEED          ?= 1
KILLS         ?= 100

DEMO_CLIP     := testdata/squat.mp4
DEMO_OUT      := spineflex-out

.DEFAULT_GOAL := build
.PHONY: deps deps-test onnxruntime build demo picture test test-unit test-pure test-race test-leaks lint fmt vuln bench bench-batch e2e-slurm e2e-s3 accuracy corpus fuzz-clips kills models-heavy clean

## deps: what the build needs from the system (apt) and, where it can be had, ONNX Runtime
deps:
	@GO='$(GO)' scripts/install-deps.sh
	@$(MAKE) --no-print-directory onnxruntime

## deps-test: what the tests need besides: a browser for the report
deps-test: deps
	@GO='$(GO)' scripts/install-deps.sh test

onnxruntime:
	@scripts/fetch-onnxruntime.sh || \
		echo "WARNING: ONNX Runtime could not be fetched: everything works on OpenCV DNN, but slower; 'make onnxruntime' tries again" >&2

## build: bin/spineflex
build: deps
	$(GO) build -buildvcs=false -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/spineflex

## demo: analyse the bundled clip and say where to look
demo: build
	$(BIN) analyze --overwrite -o $(DEMO_OUT) $(DEMO_CLIP)
	@echo "Open $(DEMO_OUT)/squat/report.html in a browser, and play $(DEMO_OUT)/squat/annotated.mp4."

## picture: the README's picture, a frame of the annotated bundled clip
picture: demo
	ffmpeg -v error -y -ss 2.4 -i $(DEMO_OUT)/squat/annotated.mp4 -frames:v 1 -vf scale=540:-2 -q:v 4 docs/demo.jpg

## test: every test, each package once, in the way that can find most in it
test: test-pure test-race test-leaks test-unit

# On Debian the browser is installed, so that it is no excuse.
test-pure: export SPINEFLEX_TEST_CHROMIUM = $(shell grep -sx 'ID=debian' /etc/os-release)
test-pure: deps-test
	CGO_ENABLED=0 $(GO) vet $(MEASURING)
	CGO_ENABLED=0 $(TEST) $(MEASURING)

test-race: deps
	$(TEST) -race $(CONCURRENT)

# matprofile counts what OpenCV holds, and allocates to do so.
test-leaks: deps
	$(TEST) -tags matprofile -run MatsAreClosed ./pkg/infer

# What the others do not cover.
test-unit: deps
	$(TEST) $$(comm -23 <($(GO) list ./... | sort) <($(GO) list $(MEASURING) $(CONCURRENT) | sort))

## lint: formatting, vet, linters, import directions, known vulnerabilities
lint: deps
	$(GOLANGCI) run ./...
	@GOVULNCHECK='$(GOVULNCHECK)' scripts/vulncheck.sh

## fmt: format everything
fmt:
	$(GOLANGCI) fmt ./...

## bench: whole runs against their targets, then Go benchmarks of every package; MEDIAPIPE=FOLDER compares with its npm package
bench: build
	$(GO) run ./cmd/speed -bin $(BIN) -clip $(DEMO_CLIP) -mediapipe '$(MEDIAPIPE)'
	$(GO) test -run '^$$' -bench . -benchmem ./...

## bench-batch: a batch of 20 clips against single ones; UPDATE=1 keeps the numbers for docs/scale.md
bench-batch: build
	@BIN=$(BIN) scripts/bench-batch.sh
	@if [ -n "$$UPDATE" ]; then $(GO) test ./pkg/shard -run Docs -update; fi

## e2e-slurm: deploy/slurm.sbatch on a Slurm of this machine's own, a task killed and one requeued
e2e-slurm: build
	@BIN=$(BIN) scripts/e2e-slurm.sh

## e2e-s3: batches on an S3 server of this machine's own
e2e-s3: build
	@BIN=$(BIN) scripts/e2e-s3.sh

## accuracy: score every rendered and real clip; writes docs/accuracy.md
accuracy: build
	@BIN=$(BIN) SHARED=$(SHARED) scripts/accuracy.sh

## corpus: make hard clips of the bundled one and hold the program to them; writes docs/robustness.md
corpus: build
	$(GO) run ./cmd/roughclips corpus -doc docs/robustness.md

## fuzz-clips: damage N clips at random, from number FROM of series SEED, and count what becomes of them; adds to docs/robustness.md
fuzz-clips: build
	$(GO) run ./cmd/roughclips fuzz -n $(N) -from $(FROM) -seed $(SEED) -doc docs/robustness.md

## kills: kill the program with -9 at KILLS random moments
kills: deps
	SPINEFLEX_KILLS=$(KILLS) $(GO) test -count 1 -timeout 60m -v -run KilledAtAnyMoment ./cmd/spineflex

## models-heavy: make the network of --quality accurate
models-heavy: models/pose_landmark_heavy.onnx

models/pose_landmark_heavy.onnx:
	$(GO) run ./cmd/modelgen heavy

clean:
	rm -rf bin spineflex-out
