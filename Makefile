# `make run` and `make test` need Go, make, and pip or npm. `make ci` also needs a C
# compiler, for the race detector; Python 3.10 with pip, for Tableau's client, Delta tables and Airflow; systemd-analyze; root, dpkg,
# rpm and man, for packages; PostgreSQL;
# Node.js with npm, for a server of Azure's protocol; and Java 11, Maven and curl, for a Flink cluster.

GOLANGCI_VERSION := v2.15.0
DEADCODE_VERSION := v0.52.0
GOVULNCHECK_VERSION := v1.9.0
# as in internal/storage/storagetest/s3.go
VERSITYGW_VERSION := v1.8.0
ACTIONLINT_VERSION := v1.7.12
AIRFLOW_VERSION := 3.3.2

export CGO_ENABLED := 0

# Packages whose tests take longest begin first; more of them run at once than there are cores, since
# they wait for processes that they start.
SLOW_FIRST := ./pipelines/job ./cmd/hyperlake ./pipelines/publish ./pipelines ./sinks/hyper ./pipelines/randomtest \
	./runners ./internal/hyperd ./pipelines/...
AT_ONCE := 4

# Tests that kill processes of the program again and again, or stop them, and look at what is left: files, locks, rows on a server. The
# processes that die are what they are about. With the race detector they take three to four times the processor and the memory, but
# nobody reads what it finds in a process that is killed, and what runs side by side there does so in other tests as well, which have
# the detector. So CI has these without it. A test that is not named here, or has another name by now, runs with it.
KILLED := ^Test(NightsThatAreKilled|PublishedNightsThatAreKilled|IngestsThatAreKilled|NightsOnStorageThatAreKilled|KilledWhilePublishing|KilledWhilePublishingASet|AKilledRunIsResumed|AKilledOwner|AnOwnerThatComesBack|AnIngestThatComesBack|NothingOfAWorkerSurvives|NoPartialOfAWorkerSurvives|AUserWithoutAName)$$

.PHONY: help build man hyperd run test test-faults test-nightly test-postgres test-race test-killed test-tsc test-lake test-registry test-schedulers test-stores stores test-image bench bench-growth bench-ingest bench-memory bench-nights bench-scale10 bench-scaling bench-data corpus release test-release lake-fixtures iceberg-fixtures test-editors flink-up flink-down test-flink notices reference fmt-check vet lint deadcode vulncheck ci clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

build: ## build bin/hyperlake
	go build -trimpath -ldflags="-s -w" -o bin/hyperlake ./cmd/hyperlake

man: build ## manual pages of the commands, in out/man/man1
	bin/hyperlake dev man out/man/man1

hyperd: build ## fetch the pinned hyperd, unless it is there already
	bin/hyperlake hyperd install

run: hyperd ## build the sample extract and show what is in it
	bin/hyperlake run testdata/tpch.yaml
	bin/hyperlake inspect out/tpch.hyper
	bin/hyperlake sql out/tpch.hyper 'select l_returnflag, count(*) as items, sum(l_quantity) as quantity from "Extract"."lineitem" group by 1 order by 1'

test: hyperd ## all tests but the long ones, against the real hyperd
	go test -timeout 20m -p $(AT_ONCE) $(SLOW_FIRST) ./...

test-faults: hyperd ## the long ones: what is killed, refused, full, run twice or resumed
	go test -tags faults -timeout 30m ./pipelines/... ./cmd/hyperlake

test-nightly: hyperd ## what is drawn at random, thousands of times: configurations over lakes, and damaged files
	go test -tags nightly -timeout 300m -run '^Test(Random|Many)' ./pipelines/randomtest ./pipelines

test-postgres: hyperd ## ingesting from a real PostgreSQL, which the tests start (needs its programs)
	go test -tags postgres -count=1 -timeout 20m -run Postgres ./internal/ingest ./pipelines

test-race: hyperd ## all tests with the race detector, also the long ones, but those of test-killed
	CGO_ENABLED=1 go test -race -tags faults,postgres -timeout 60m -skip '$(KILLED)' $(SLOW_FIRST) ./...

test-killed: hyperd ## those that kill processes again and again, without the race detector
	go test -tags faults -timeout 60m -run '$(KILLED)' ./pipelines ./cmd/hyperlake

bench: hyperd ## time of loading TPC-H's lineitem in several ways, as JSON (needs Python 3 and pip, takes 2 GB of disk)
	go build -o out/bench/bench ./cmd/bench && out/bench/bench -suite speed

bench-growth: hyperd ## the same with fewer columns and on one core, as JSON
	go build -o out/bench/bench ./cmd/bench && out/bench/bench -suite growth

bench-ingest: build ## 10 million rows of CSV and of PostgreSQL to Parquet, beside DuckDB, as JSON (ROWS for other numbers; needs Debian's postgresql and pip, takes 4 GB of disk)
	go build -o out/bench/bench ./cmd/bench
	pg_virtualenv -o fsync=off sh -c 'out/bench/bench -suite ingest -rows $(or $(ROWS),10000000) >&3' 3>&1 >&2

bench-memory: hyperd ## memory on lakes of few, many and large files, as JSON (takes 6 GB of disk)
	go build -o out/bench/bench ./cmd/bench && out/bench/bench -suite memory

bench-nights: hyperd ## what a night costs of which everything, one unit or nothing changed, as JSON (takes 3 GB of disk)
	go build -o out/bench/bench ./cmd/bench && out/bench/bench -suite nights

bench-scale10: hyperd ## memory and time at ten times the rows, as JSON (takes 10 GB of disk)
	go build -o out/bench/bench ./cmd/bench && out/bench/bench -suite scale10

bench-data: hyperd ## the lakes of bench, without measuring anything
	go build -o out/bench/bench ./cmd/bench && out/bench/bench -suite speed -only-data

bench-scaling: ## a model of merging many shards against appending them (see docs/scaling.md)
	go run ./cmd/bench/scaling

test-tsc: hyperd ## Tableau's own Python client against the fake server (needs Python 3.10 and pip)
	go test -tags tsc -count=1 -run TestTableauServerClient ./sinks/tableau

test-lake: hyperd ## tables that deltalake and pyiceberg write at random, against their own readers (needs Python 3.10 and pip)
	go test -tags lake -count=1 -v -run 'Test(DeltaLake|Iceberg)Sequences' ./pipelines

test-registry: hyperd ## installing hyperd by the real pip and npm, which fetch some 200 MB
	go test -tags registry -count=1 -run 'TestInstallWith(TheTools|Npm)' ./internal/hyperd

test-schedulers: hyperd bin/actionlint-$(ACTIONLINT_VERSION) out/schedulers/kubernetes out/schedulers/airflow-$(AIRFLOW_VERSION)/installed ## what schedule prints, and examples, shown to systemd, Kubernetes, Airflow and others (needs systemd-analyze, Python 3.10 and pip)
	ACTIONLINT=$(CURDIR)/bin/actionlint-$(ACTIONLINT_VERSION) AIRFLOW=$(CURDIR)/out/schedulers/airflow-$(AIRFLOW_VERSION) \
	KUBERNETES=$(CURDIR)/out/schedulers/kubernetes COMPOSE=$(CURDIR)/out/schedulers/compose \
	go test -tags schedulers -count=1 -v -timeout 20m -run '^Test(Schedulers|ExamplesAreTaken)$$' ./cmd/hyperlake ./cmd/hyperlake/internal/schedule

bin/actionlint-%:
	GOBIN=$(CURDIR)/bin/tmp go install github.com/rhysd/actionlint/cmd/actionlint@$*
	mv bin/tmp/actionlint $@

# what the API server of Kubernetes, and docker compose, check files with: a module of its own, of a thousand packages
out/schedulers/kubernetes: $(wildcard testdata/verifiers/*.* testdata/verifiers/*/*)
	mkdir -p $(@D) && cd testdata/verifiers && go build -o $(CURDIR)/$(@D)/ ./...

out/schedulers/airflow-%/installed:
	python3 -m venv $(@D)
	$(@D)/bin/pip install -q apache-airflow==$*
	touch $@

test-stores: hyperd stores ## lakes, staging and outputs on real servers of S3 and Azure
	go test -tags stores -count=1 -timeout 30m ./internal/storage/...
	go test -tags stores -count=1 -timeout 30m -run 'Storage|StoppedRun|TestRun|FailedRun|FirstRun|Foreign|KilledRuns' ./internal/ingest
	go test -tags stores -count=1 -timeout 30m -run 'Storage|Object|Upload|Ranges|SecretsOf|RandomConfigurations' \
		./pipelines ./pipelines/randomtest ./cmd/hyperlake

stores: bin/versitygw-$(VERSITYGW_VERSION) bin/azurite/installed ## install the servers that test-stores starts (needs npm)

bin/versitygw-%:
	GOBIN=$(CURDIR)/bin/tmp go install github.com/versity/versitygw/cmd/versitygw@$*
	mv bin/tmp/versitygw $@

bin/azurite/installed: internal/storage/storagetest/azurite/package.json internal/storage/storagetest/azurite/package-lock.json
	mkdir -p $(@D) && cp $^ $(@D)
	npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund
	touch $@

flink-up: out/flink/lib ## start a small Flink cluster on this machine (needs Java 11 or later, Maven, curl)
	runners/flinktest/cluster.sh up out/flink

flink-down: ## stop it
	runners/flinktest/cluster.sh down out/flink

out/flink/lib: runners/flinktest/pom.xml
	mvn -q -B -f $< dependency:copy-dependencies -DoutputDirectory=$(CURDIR)/$@ -DincludeScope=runtime
	touch $@

test-flink: hyperd stores ## the same extract on a Flink cluster as on Prism, whatever is killed (starts one, and stops it)
	$(MAKE) flink-up
	go test -tags flink -count=1 -v -timeout 60m ./runners/flinktest; status=$$?; $(MAKE) flink-down; exit $$status

test-editors: ## the schema of configurations by the language server of editors (needs npm)
	go test -tags editors -count=1 -run TestEditors ./pipelines/config

test-image: hyperd ## the steps of the Dockerfile, a run and a worker in the images that they give (needs root, debootstrap, a Debian mirror)
	go test -tags image -count=1 -v -timeout 20m ./runners/imagetest

corpus: ## every value of CORPUS, a checkout of apache/parquet-testing, against pyarrow
	python3 transforms/parquetread/testdata/dump.py $(CORPUS) out/corpus
	HYPERLAKE_CORPUS=$(abspath $(CORPUS)) HYPERLAKE_CORPUS_DUMP=$(CURDIR)/out/corpus go test -tags corpus -run TestCorpus ./transforms/parquetread

lake-fixtures: ## make the Delta tables of the tests anew, by Spark and delta-rs (needs Java 17, Python 3.10 and pip, fetches some 500 MB)
	python3 -m venv out/lake-fixtures
	out/lake-fixtures/bin/pip install -q pyspark==4.0.1 delta-spark==4.0.1 deltalake==1.6.6 pyarrow
	out/lake-fixtures/bin/python internal/lake/delta/testdata/make_fixtures.py

iceberg-fixtures: ## make the Iceberg tables of the tests anew, by Spark and pyiceberg (needs the same, fetches some 500 MB)
	python3 -m venv out/iceberg-fixtures
	out/iceberg-fixtures/bin/pip install -q pyspark==4.0.1 "pyiceberg[pyarrow,pyiceberg-core,sql-sqlite]==0.12.0"
	out/iceberg-fixtures/bin/python internal/lake/iceberg/testdata/make_fixtures.py

notices: ## licences and notices of all that is linked into the program, as out/THIRD_PARTY_NOTICES
	mkdir -p out
	go run ./cmd/notices > out/THIRD_PARTY_NOTICES

release: ## all that is published, in out/release: of a tag that version, else VERSION or one between tags (see docs/releasing.md)
	rm -rf out/release
	go build -C cmd/release -o $(CURDIR)/out/tools/release .
	out/tools/release -version "$(VERSION)" -out out/release

test-release: ## the release of this system twice, and what dpkg, rpm, tar, sha256sum, man and bash make of it (needs root, dpkg, rpm, man)
	go test -C cmd/release -count=1 -timeout 30m .

reference: ## make docs/reference anew, of the code
	UPDATE_GOLDEN=1 go test -run '^TestReferenceOf' ./cmd/hyperlake/internal/cli ./pipelines/report ./pipelines/config

fmt-check: ## fail when a file is not formatted
	@test -z "$$(gofmt -l .)" || { echo "not formatted (run gofmt -w):"; gofmt -l .; exit 1; }

vet: ## go vet, here and for the other systems we build for
	go vet ./...
	go vet -C cmd/release .
	GOOS=darwin GOARCH=arm64 go build -o /dev/null ./cmd/hyperlake
	GOOS=windows go build -o /dev/null ./cmd/hyperlake

lint: bin/golangci-lint-$(GOLANGCI_VERSION) ## golangci-lint; depguard holds the import direction
	$< run ./...
	cd cmd/release && $(CURDIR)/$< run .

bin/golangci-lint-$(GOLANGCI_VERSION):
	GOBIN=$(CURDIR)/bin/tmp go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv bin/tmp/golangci-lint $@

bin/deadcode-$(DEADCODE_VERSION):
	GOBIN=$(CURDIR)/bin/tmp go install golang.org/x/tools/cmd/deadcode@$(DEADCODE_VERSION)
	mv bin/tmp/deadcode $@

deadcode: bin/deadcode-$(DEADCODE_VERSION) ## fail when a function is called by no program of ours
	@dead="$$($< ./cmd/...)"; test -z "$$dead" || { echo "$$dead"; exit 1; }

bin/govulncheck-$(GOVULNCHECK_VERSION):
	GOBIN=$(CURDIR)/bin/tmp go install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION)
	mv bin/tmp/govulncheck $@

vulncheck: ## fail when we call what is known to be vulnerable; without the network, say that nobody looked
	@if curl -fsS -m 10 -o /dev/null https://vuln.go.dev/index/db.json; \
	then $(MAKE) bin/govulncheck-$(GOVULNCHECK_VERSION) && bin/govulncheck-$(GOVULNCHECK_VERSION) ./...; \
	else echo "vulncheck: the database of vulnerabilities cannot be reached: nobody looked"; fi

ci: fmt-check vet lint deadcode vulncheck ## what CI runs: the Flink suite waits most of its time, beside the tests with the race detector; the others follow one another
	$(MAKE) -j 3 --output-sync=target test-race test-flink test-killed test-stores test-release test-lake test-schedulers test-registry test-tsc test-editors

clean: ## remove what was built
	rm -rf bin out
