# The front door. The build itself is meson; this file only knows the order of things.
FUZZ_SECONDS ?= 60
SIZE ?= small

.DEFAULT_GOAL := help
.PHONY: help build run sample test proof bench fuzz coverage deps fmt

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

build: ## build the program: build/rowlock
	@tools/deps build
	@tools/build build rowlock

run: build ## build, then serve every service below services/
	@[ -e services/shop/keys/jwt.pub ] || build/rowlock keys --out services/shop/keys
	@exec build/rowlock serve services

sample: ## write places and people of SIZE=small or large to build/sample
	@services/westeros/sample/generate.py build/sample --size $(SIZE)

test: ## run all tests, in a quarter of an hour
	@tools/deps build test
	@tools/run-tests

proof: ## run the same tests at full counts: hours
	@tools/deps build test proof
	@tools/run-tests --proof

bench: ## measure against other servers
	@tools/deps build bench
	@tools/build build rowlock bench/query_bench bench/stream_loop bench/maria_loop \
		bench/jsonstore_bench jsonstore/tests/libjsonstore.so.0
	@bench/run

fuzz: ## run every fuzzer for FUZZ_SECONDS=60
	@tools/deps build test
	@tools/fuzz $(FUZZ_SECONDS)

coverage: ## say which lines the tests reach
	@tools/deps build test coverage
	@tools/coverage

deps: ## install the packages for building and testing
	@tools/deps build test

fmt: ## format the sources with clang-format
	@tools/deps build test
	@find src jsonstore \( -name '*.c' -o -name '*.h' \) -exec clang-format -i --style=file {} +
