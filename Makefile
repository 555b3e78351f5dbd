# make help lists the targets.

.DEFAULT_GOAL := help
.PHONY: help build run demo test test-chart lint lint-go lint-contract fmt bench bench-compare bench-compose bench-rules bench-alerts bench-callers bench-reads bench-traces profile compare-ledger chaos-alerts test-alarms test-rolling record-histories devstack

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
DEVSTACK := .run/devstack
TOOL := go tool -modfile=internal/tools/go.mod

help: ## list the targets
	@awk -F ':.*## ' '/^# --- / { gsub(/^# --- | -+$$/, ""); printf "\n%s\n", $$0 } \
		/^[a-z-]+:.*## / { printf "  %-24s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- On this machine, without containers -----------------------------------------------------------------------------

# Compiled by a profile (make profile), api, worker and fraud-police take 5 % less CPU a transaction, and a first build 3 % more.
# The profile is not named default.pgo: go test, go vet and the linters would then compile 665 packages twice.
build: devstack ## build bin/orders, and bin/temporal: Temporal's CLI with its dev server
	@$(DEVSTACK) install temporal
	@CGO_ENABLED=0 $(DEVSTACK) progress 'Compiling bin/orders' -- \
		go build -trimpath -pgo=cmd/orders/orders.pgo -ldflags '-X main.version=$(VERSION)' -o bin/orders ./cmd/orders

run: build ## start everything: servers, all processes, a mail server; Ctrl-C stops all; OBSERVE=1 adds Prometheus
	@exec $(DEVSTACK) run

demo: ## fill the ledger of what make run has started with a month of made-up transactions; SEED=2 for another month
	@CGO_ENABLED=0 go run ./internal/demo/fill -seed $(or $(SEED),1)

# The tool that starts and installs things; other targets need it first.
devstack:
	@mkdir -p .run
	@[ -e $(DEVSTACK) ] || echo 'Compiling the tool that starts and installs things (the first time, Go fetches modules)'
	@CGO_ENABLED=0 go build -o $(DEVSTACK) ./internal/devstack

# --- Development -----------------------------------------------------------------------------------------------------

# The race detector for all but SQLite, which is translated from C and has one caller at a time: the ledger's tests take half as long.
# The detector lets each process sleep for a second before its exit if GORACE does not say otherwise, and golangci-lint has vetted.
with-race = CGO_ENABLED=1 GORACE=atexit_sleep_ms=0 GOFLAGS="$$(go env GOFLAGS) -gcflags=modernc.org/sqlite/lib=-race=false"
test-race = $(with-race) go test -race -vet=off

test: build lint-go test-chart ## run the linters but vacuum, and every test against real servers, with the race detector
	@$(DEVSTACK) install rabbitmq postgresql pgbouncer prometheus alertmanager chromium cc npm
# The end-to-end tests wait most of their time: they run in two processes, start first, and the others run beside them. GOGC is that of
# the image and of make run.
	@$(with-race) GOGC=400 $(DEVSTACK) progress 'Testing, with the race detector' -- \
		go test -race -vet=off -p 2 -shuffle=on -timeout 40m ./internal/e2e ./...

# A module of its own, which reads files outside of it: Go's test cache does not see when these change.
test-chart: devstack ## lint and test the Helm chart alone
	@CGO_ENABLED=0 $(DEVSTACK) progress 'Testing the Helm chart' -- go -C deploy/helm test -vet=off -count=1 ./...

lint: lint-go lint-contract ## run all linters (compiles them the first time, which takes minutes)

lint-go: devstack
	@$(DEVSTACK) progress 'Compiling the linters' -- $(TOOL) golangci-lint version --short
	@$(DEVSTACK) progress 'Linting' -- $(TOOL) golangci-lint run
	@$(DEVSTACK) progress 'Looking for what a workflow must not do' -- \
		go vet -vettool="$$($(TOOL) -n workflowcheck)" -config '$(CURDIR)/internal/tools/workflowcheck.yaml' ./workflows/...

lint-contract: devstack # the OpenAPI document; the tests do it too, without vacuum, which takes long to compile
	@$(DEVSTACK) install npm
	@$(DEVSTACK) progress 'Compiling vacuum' -- go tool -modfile=internal/tools/vacuum.mod vacuum version
	@$(DEVSTACK) progress 'Linting the OpenAPI document' -- go test -run TestOpenAPILinters ./api -vacuum

fmt: ## format the code
	@$(TOOL) golangci-lint fmt

bench: build ## measure transactions beside empty workflows, ~8 minutes; BENCH='-rounds 3 -duration 1s' for a quick look
	@$(DEVSTACK) install rabbitmq
	@CGO_ENABLED=0 go run ./internal/bench $(BENCH)

bench-compare: build ## measure transactions beside those of another commit, on a server with its settings: OLD=61763a0
	@[ -n '$(OLD)' ] || { echo 'make: give the commit to compare with: make bench-compare OLD=61763a0' >&2; exit 1; }
	@$(DEVSTACK) install rabbitmq
	@rm -rf .run/old && git worktree prune && git worktree add --quiet --detach .run/old '$(OLD)'
	@cd .run/old && CGO_ENABLED=0 go build -trimpath -o '../before/$(OLD)/orders' ./cmd/orders && cp -R temporal-config Dockerfile '../before/$(OLD)'; \
		built=$$?; cd ../.. && git worktree remove --force .run/old; exit $$built
	@CGO_ENABLED=0 go run ./internal/bench -old '.run/before/$(OLD)' $(BENCH)

# The version is that of the image, which holds the same program.
bench-compose: build ## measure Temporal on PostgreSQL as Compose runs them, beside their defaults; BENCH="-try 'jit=off' -rounds 3" tries a setting
	@$(DEVSTACK) install rabbitmq postgresql
	@version=$$(sed -n 's|.*image: temporalio/server:|v|p' docker-compose.yml) && CGO_ENABLED=0 GOBIN='$(CURDIR)/.run/temporal-server' \
		$(DEVSTACK) progress 'Compiling the Temporal server (minutes, once)' -- \
		go install "go.temporal.io/server/cmd/server@$$version" "go.temporal.io/server/cmd/tools/sql@$$version"
	@ln -sf sql .run/temporal-server/temporal-sql-tool
	@CGO_ENABLED=0 go run ./internal/bench -compose $(BENCH)

bench-rules: build ## measure decisions by rules, over a million rows, beside whole transactions
	@$(DEVSTACK) install rabbitmq postgresql
	@CGO_ENABLED=0 go run ./internal/bench -rules -rounds 3 -duration 3s $(BENCH)

bench-alerts: build ## measure alertman against Debian's prometheus-alertmanager, from an alert to the webhook, also when killed
	@$(DEVSTACK) install rabbitmq alertmanager
	@CGO_ENABLED=0 go run ./internal/bench -alerts -rounds 3 $(BENCH)

bench-callers: build ## measure how much a caller at ten times its rate, with 2,000 slow sockets, slows the others down
	@$(DEVSTACK) install rabbitmq
	@CGO_ENABLED=0 go run ./internal/bench -greedy -rounds 5 -duration 20s $(BENCH)

bench-reads: build ## measure reads of a ledger with a million rows, on SQLite and PostgreSQL; BENCH='-dir FOLDER' keeps the rows
	@$(DEVSTACK) install postgresql
	@CGO_ENABLED=0 go run ./internal/bench -reads -duration 30s $(BENCH)

bench-traces: build ## measure what it costs to export all traces, or a tenth, beside none, and beside no metrics, ~4 minutes
	@$(DEVSTACK) install rabbitmq
	@CGO_ENABLED=0 go run ./internal/bench -traces $(BENCH)

profile: devstack ## take CPU profiles of api, worker and fraud-police under load, by which make build compiles: cmd/orders/orders.pgo
	@$(DEVSTACK) install temporal rabbitmq
	@CGO_ENABLED=0 $(DEVSTACK) progress 'Compiling' -- go build -trimpath -pgo=off -tags profile -o .run/profile/orders ./cmd/orders
	@CGO_ENABLED=0 go run ./internal/bench -profile .run/profile -duration 60s
	@go tool pprof -proto -output .run/profile/all.pgo .run/profile/*.pprof
# The profile names its program: dots take the place of this folder's path.
	@gzip -dc .run/profile/all.pgo | LC_ALL=C sed "s|$(CURDIR)|$$(printf %s '$(CURDIR)' | tr -c . .)|g" | gzip -9n >cmd/orders/orders.pgo

compare-ledger: build ## compare ledger and histories over RUNS random transactions while processes are killed
	@$(DEVSTACK) install rabbitmq postgresql cc
	$(test-race) -count=1 -v -timeout 90m -run TestLedgerAgreesWithHistories ./internal/e2e -runs $(or $(RUNS),3000)

chaos-alerts: build ## kill alertmen KILLS times while alerts come in, with Temporal stopped for a minute, and check that no alert is lost
	@$(DEVSTACK) install rabbitmq postgresql cc
	$(test-race) -count=1 -v -timeout 120m -run 'TestAlertsChaos|TestAlertmanMemory' ./internal/e2e -kills $(or $(KILLS),300) -away 60s -backlog 100000

# No timeout, because CALM may be any length; what the tests wait for has deadlines of its own.
test-alarms: build ## fill the dashboards from a real stack, stop one part of it after the other, and check that its alarm fires and falls silent, ~30 minutes; CALM=1h also checks that none fires in an hour
	@$(DEVSTACK) install rabbitmq postgresql prometheus alertmanager postgres-exporter cc
	$(test-race) -count=1 -v -timeout 0 -run 'TestDashboardsShow|TestOutageAlarms|TestNoAlarm' ./internal/e2e -outages -calm $(or $(CALM),0s)

test-rolling: build ## upgrade every process under load from an earlier commit, and take it back, ROLLS times
	@$(DEVSTACK) install rabbitmq postgresql cc
	$(test-race) -count=1 -v -timeout 60m -run TestRollingUpgrade ./internal/e2e -rolls $(or $(ROLLS),1)

record-histories: build ## record a history of every path a workflow takes, for the replay test
	@$(DEVSTACK) install rabbitmq postgresql cc
	$(test-race) -count=1 -v -run TestRecordHistories ./internal/e2e -record workflows/testdata/histories

# --- Docker ----------------------------------------------------------------------------------------------------------

# Other commands can be given: make start COMPOSE=docker-compose DOCKER='sudo docker'
DOCKER ?= docker
# docker compose where that plugin is, else docker-compose. It is looked for once, and only when it is needed.
COMPOSE ?= $(eval COMPOSE := $(shell $(DOCKER) compose version >/dev/null 2>&1 && echo $(DOCKER) compose || echo docker-compose))$(COMPOSE)
# Options of docker compose logs for check-logs-dev*.
LOGS ?= --follow --tail=100

# $(call setting,NAME) is a setting of the shell or, where it has none, of .env, as for Compose.
setting = $(or $($1),$(shell sed -n 's/^$1=//p' .env 2>/dev/null | tail -n 1 | tr -d "\"'"))
# The desk is for persons, so that it starts only where something signs them in.
profiles := $(if $(call setting,OIDC_ISSUER),desk)
# make start OBSERVE=1 also starts Prometheus, Grafana, and what takes traces.
ifneq ($(filter-out false 0,$(call setting,OBSERVE)),)
profiles += observe
start start-production: export OTEL_EXPORTER_OTLP_ENDPOINT := $(or $(call setting,OTEL_EXPORTER_OTLP_ENDPOINT),http://otel-collector:4318)
endif
comma := ,
export COMPOSE_PROFILES ?= $(subst $() ,$(comma),$(strip $(profiles)))

processes = api worker fraud-police alertman $(filter desk,$(profiles))
# How many of a process to run: make start SCALE="fraud-police=3 worker=2".
SCALE ?=

# With smtp.yml where the mail server is another machine; a copy of env says localhost.
development = -f docker-compose.yml $(if $(filter-out localhost 127.0.0.1,$(call setting,SMTP_HOSTNAME)),-f deploy/smtp.yml)
production = -f docker-compose.yml -f deploy/smtp.yml -f deploy/production.yml
project = $(or $(COMPOSE_PROJECT_NAME),$(shell basename '$(CURDIR)' | tr A-Z a-z | tr -cd 'a-z0-9_-'))
compose-label = --label com.docker.compose.project=$(project) --label com.docker.compose
# Before Docker 23.0 these ask for BuildKit.
with-buildkit = DOCKER_BUILDKIT=1 COMPOSE_DOCKER_CLI_BUILD=1
wait = DOCKER='$(DOCKER)' deploy/wait.sh

.PHONY: docker-engine build-network-dev build-volume-dev start-service-rabbitmq start stop remove clean \
	check-logs-dev check-logs-dev-app check-mail-dev build-tag-push start-production

docker-engine:
	@command -v $(firstword $(DOCKER)) >/dev/null || { echo 'make: $(firstword $(DOCKER)) was not found: install Docker, or use make run, which needs no Docker' >&2; exit 1; }
	@why=$$($(DOCKER) info 2>&1 >/dev/null) || { echo "make: the Docker engine does not answer: $$(echo "$$why" | head -n 1)" >&2; exit 1; }
	@$(COMPOSE) version >/dev/null 2>&1 || { echo 'make: neither docker compose nor docker-compose was found: install one, or use make run, which needs no Docker' >&2; exit 1; }

# Compose makes both by itself; it takes these for its own by their labels.
build-network-dev: docker-engine ## create the containers' network, orders
	@$(DOCKER) network inspect orders >/dev/null 2>&1 || $(DOCKER) network create $(compose-label).network=default orders

build-volume-dev: docker-engine ## create the volumes of the data: orders-postgres, orders-rabbitmq, orders-mail
	@for name in postgres rabbitmq mail; do \
		$(DOCKER) volume inspect orders-$$name >/dev/null 2>&1 || $(DOCKER) volume create $(compose-label).volume=$$name orders-$$name || exit 1; \
	done

start-service-rabbitmq: docker-engine ## start RabbitMQ alone, and wait until it is ready
	$(COMPOSE) up -d rabbitmq
	@$(wait) $$($(COMPOSE) ps -q rabbitmq)

start: docker-engine ## build the image, start everything in containers, and print the addresses; OBSERVE=1 adds Grafana
	$(with-buildkit) $(COMPOSE) build --build-arg VERSION='$(VERSION)' api
	$(COMPOSE) $(development) up -d --no-build $(addprefix --scale ,$(SCALE))
	@$(wait) $$($(COMPOSE) $(development) ps -aq)
	@COMPOSE='$(COMPOSE)' DOCKER='$(DOCKER)' deploy/addresses.sh

stop remove clean: export COMPOSE_PROFILES := desk,observe # also what an earlier make start started

stop: docker-engine ## stop the containers; all data stays
	$(COMPOSE) stop

remove: docker-engine ## remove containers and network; the data stays in its volumes
	$(COMPOSE) down --remove-orphans

clean: docker-engine ## remove containers, network, all data, and the image that make start built
	$(COMPOSE) down --remove-orphans --volumes
	-@$(DOCKER) image rm $${ORDERS_IMAGE:-dummyorders:dev} >/dev/null 2>&1

check-logs-dev: docker-engine ## follow the logs of all containers; LOGS=--tail=20 shows the last lines only
	$(COMPOSE) logs $(LOGS)

check-logs-dev-app: docker-engine ## follow the logs of the processes
	$(COMPOSE) logs $(LOGS) $(processes)

check-mail-dev: docker-engine ## show the newest alert mail that the development mail server took; LAST=5 the last five
	@$(COMPOSE) exec -T mail /devmail show --last=$(or $(LAST),1)

build-tag-push: docker-engine ## build the image and push it: REGISTRY=registry.example.com/team [IMAGE= TAG=]; PUSH=0 only builds
	@DOCKER='$(DOCKER)' REGISTRY='$(REGISTRY)' IMAGE='$(IMAGE)' TAG='$(TAG)' PUSH='$(PUSH)' deploy/build-tag-push.sh

# Compose before 2.24 cannot take back what docker-compose.yml publishes.
start-production: docker-engine ## start production's containers from a pushed image: ORDERS_IMAGE=registry.example.com/team/dummyorders:tag
	@case $$($(COMPOSE) version --short) in 1.*) echo 'make: start-production needs Compose 2.24 or later' >&2; exit 1;; esac
	@$(COMPOSE) $(production) config --quiet
	@names=$$($(COMPOSE) $(production) config | sed -En '/CORS|PUBLISHED_ON/!s/^ *([A-Z_]*): .*(localhost|127\.0\.0\.1).*/\1/p' | paste -sd ' ' -); \
		[ -z "$$names" ] || { echo "make: in production these must not name this machine; change them in .env: $$names" >&2; exit 1; }
	$(COMPOSE) $(production) up -d --no-build $(addprefix --scale ,$(SCALE))
	@$(wait) $$($(COMPOSE) $(production) ps -aq)
