# Everything here is one line; the work is in scripts/. Tool versions are pinned in scripts/versions.sh.
.DEFAULT_GOAL := help
.PHONY: help setup build demo test race bench lint fuzz proto ptx image clean gpu-check gpu-bundle

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name what; do printf '  make %-10s %s\n' "$$name" "$$what"; done

setup: ## fetch and build what is missing: system packages, FFmpeg, ONNX Runtime, Go
	@scripts/setup.sh

build: setup ## bin/streamvet
	@scripts/build.sh

demo: build ## put defects into a sample clip and find them again
	@scripts/demo.sh

test: setup ## all tests, over real media and the real ONNX Runtime
	@scripts/test.sh

race: setup ## all tests again under the race detector (slow)
	@scripts/test.sh -race

bench: build ## how fast vet is, against decoding alone and FFmpeg's filters (FLAGS=--help)
	@scripts/bench.sh $(FLAGS)

gpu-check: ## on a machine with an NVIDIA GPU: what it does, against what is promised (FLAGS=--help, docs/gpu.md)
	@scripts/gpu-check.sh $(FLAGS)

gpu-bundle: setup ## the same, packed for a machine without a network (ARCH=90)
	@scripts/gpu-bundle.sh --arch $(or $(ARCH),90)

lint: setup ## gofmt, go vet, and shellcheck where it is installed
	@scripts/lint.sh

fuzz: setup ## every fuzz target for a short while (FUZZTIME=20s)
	@scripts/fuzz.sh

proto: setup ## regenerate the Go code of proto/
	@scripts/proto.sh

ptx: ## compile the kernels for GPUs (clang 14), and have NVIDIA's assembler take them
	@scripts/ptx.sh
	@scripts/ptxas.sh

image: ## the container image, with docker or podman
	@scripts/image.sh

clean: ## remove bin/ and build/; the cache outside the checkout stays
	@rm -rf bin build
