# make help says what there is.

.DEFAULT_GOAL := help
.PHONY: help build run test lint fmt bench record-histories devstack

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
DEVSTACK := .run/devstack
TOOL := go tool -modfile=internal/tools/go.mod

help: ## show this
	@awk -F ':.*## ' '/^# --- / { gsub(/^# --- | -+$$/, ""); printf "\n%s\n", $$0 } \
		/^[a-z-]+:.*## / { printf "  %-24s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- On this machine, without containers -----------------------------------------------------------------------------

build: devstack ## make bin/orders, and bin/temporal: Temporal's CLI with its dev server
	@$(DEVSTACK) install temporal
	@CGO_ENABLED=0 $(DEVSTACK) progress 'Compiling bin/orders' -- \
		go build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/orders ./cmd/orders

run: build ## start everything: servers, our four processes, a mail server; Ctrl-C stops it all
	@exec $(DEVSTACK) run

# It starts and installs things, and so is made before all else.
devstack:
	@mkdir -p .run
	@[ -e $(DEVSTACK) ] || echo 'Compiling the tool that starts and installs things (the first time, Go fetches modules)'
	@CGO_ENABLED=0 go build -o $(DEVSTACK) ./internal/devstack

# --- Development -----------------------------------------------------------------------------------------------------

test: build lint ## run the linters, and every test against real servers, with the race detector
	@$(DEVSTACK) install rabbitmq cc
	@CGO_ENABLED=1 $(DEVSTACK) progress 'Testing, with the race detector' -- \
		go test -race -shuffle=on -timeout 40m ./...

lint: devstack ## look for what the compiler lets pass (compiles the linters the first time, which takes minutes)
	@$(DEVSTACK) progress 'Compiling the linters' -- $(TOOL) golangci-lint version --short
	@$(DEVSTACK) progress 'Linting' -- $(TOOL) golangci-lint run
	@$(DEVSTACK) progress 'Looking for what a workflow must not do' -- \
		go vet -vettool="$$($(TOOL) -n workflowcheck)" -config '$(CURDIR)/internal/tools/workflowcheck.yaml' ./workflows/...

fmt: ## format the code
	@$(TOOL) golangci-lint fmt

bench: ## measure the running stack beside the bare floor of its Temporal server; BENCH='-rounds 1' for a quick look
	@CGO_ENABLED=0 go run ./internal/bench $(BENCH)

record-histories: build ## record a history of every path a workflow takes, for the replay test
	@$(DEVSTACK) install rabbitmq cc
	go test -race -count=1 -run TestRecordHistories ./internal/e2e -record workflows/testdata/histories

include internal/docker.mk
