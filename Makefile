# What CI runs is `make check`; .ci/run installs what it needs before.

CALLS = 100000

.PHONY: build test vet lint race check bench fuzz swarm determinism regress browser arm64 clean

build:
	go build -o bin/simrun ./cmd/simrun
	go build ./...

test:
	go test ./...

vet:
	go vet ./...

lint:
	.ci/golangci-lint run ./...

# Where goroutines meet, or where a stray one would do harm.
race:
	go test -race -short ./sim/engine ./endpoints/... ./topologies/... ./scenarios/... ./cmd/...

check: build vet lint test race determinism regress arm64 browser

# Against main if benchstat is installed. BENCH selects, COUNT repeats.
bench:
	.ci/bench

# FUZZTIME is for each target.
fuzz:
	.ci/fuzz

# Random calls; `go test` makes a thousand.
swarm:
	go test ./topologies -run TestCallSwarm -calls $(CALLS) -timeout 0

# The same run in ways that must make no difference.
determinism:
	.ci/determinism

# Every scenario of the library meets its expectations.
regress: build
	bin/simrun run scenarios --quiet --out .cache/regress

# Pages in a real browser.
browser:
	.ci/browser

# Unit tests as arm64 programs.
arm64:
	.ci/arm64

clean:
	rm -rf bin .cache
	go clean -testcache
