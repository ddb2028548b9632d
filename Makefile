# What CI runs is `make check`; .ci/run installs what it needs before.

CALLS = 100000
CONFERENCES = 5000

.PHONY: build test vet lint race check bench fuzz swarm breakers determinism regress baseline seeds requirements browser arm64 clean

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

check: build vet lint test race determinism regress seeds requirements arm64 browser

# Against main if benchstat is installed. BENCH selects, COUNT repeats.
bench:
	.ci/bench

# FUZZTIME is for each target.
fuzz:
	.ci/fuzz

# Random calls and conferences; `go test` makes a thousand and sixty.
swarm:
	go test ./topologies -run TestCallSwarm -calls $(CALLS) -timeout 0
	go test ./scenarios/runner -run TestConferenceSwarm -conferences $(CONFERENCES) -timeout 0

# How often circuit breakers trip in a thousand random networks: the table of
# docs/breakers.md.
breakers:
	go test ./scenarios/runner -run TestBreakersInRandomNetworks -networks 1000 -timeout 0 -v

# The same run in ways that must make no difference.
determinism:
	.ci/determinism

# Every scenario of the library meets its expectations, and has the packets that it had.
regress: build
	bin/simrun test scenarios --quiet --baseline results/baseline --out .cache/regress

# A change of packets is meant.
baseline: build
	bin/simrun test scenarios --quiet --baseline results/baseline --update --no-page --out .cache/regress

# RFC 8867 with ten seeds for each of the controllers that it is about. The two files left
# out have ten already, for NADA.
SUITE = $(filter-out %/5.1-variable-capacity.yaml %/5.1-wide-range.yaml,$(wildcard scenarios/rfc8867/*.yaml))

seeds: build
	bin/simrun run $(SUITE) --vary 'congestion.controller=[gcc, nada, scream, scream-v2]' \
		--vary 'seed={from: 1, count: 10}' --quiet --no-page --out .cache/seeds

# Every figure of docs/rfc8836.md is what is measured; `make requirements REWRITE=-rewrite`
# makes it so.
requirements:
	go test ./cmd/simrun/simrun -run TestRequirementsPage -count 1 -figures $(REWRITE)

# Pages in a real browser.
browser:
	.ci/browser

# Unit tests as arm64 programs.
arm64:
	.ci/arm64

clean:
	rm -rf bin .cache
	go clean -testcache
