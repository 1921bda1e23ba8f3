# Two commands matter: `make demo` and `make test`. Both set up what is missing first.

.PHONY: help demo test soak conformance bench prepare screenshots
.DEFAULT_GOAL := help

help:
	@echo 'make demo     start the service with three example supply chains'
	@echo 'make test     format, lints and all tests, on a Postgres and a browser of their own'
	@echo 'make soak     the tests of crashes, races, formats and requests again, for hours: more of each'
	@echo 'make conformance EPCIS_OPENAPI=file  ask for all that the OpenAPI file of GS1 describes'
	@echo 'make bench    measure capture, sealing, tracing, codes, pages and queries'
	@echo 'make screenshots  take the pictures of the pages that the documents show'
	@echo 'make prepare  check the SQL queries against the migrations, after changing either'

# `exec`, so that Ctrl-C reaches the service itself and it stops in its own order.
demo:
	@scripts/setup postgres compiler
	cargo build --release --locked
	@exec "$${CARGO_TARGET_DIR:-target}/release/rootmark" demo

test:
	@scripts/test

soak:
	@scripts/setup postgres compiler
	ROOTMARK_SOAK=1 cargo test --locked --test reliability -- --nocapture
	ROOTMARK_SOAK=1 cargo test --locked --test log sealers -- --nocapture
	ROOTMARK_SOAK=1 cargo test --locked --test trace worlds -- --nocapture
	ROOTMARK_SOAK=1 cargo test --locked --test shopper guesses -- --nocapture
	ROOTMARK_SOAK=1 cargo test --locked -p auditlog --test fuzz -- --nocapture
	scripts/clients
	ROOTMARK_SOAK=1 cargo test --locked --test clients schemathesis -- --nocapture

conformance:
	@scripts/setup postgres compiler
	scripts/clients
	EPCIS_OPENAPI="$(abspath $(EPCIS_OPENAPI))" cargo test --locked --test conformance -- --nocapture

bench:
	@scripts/setup postgres compiler pdf
	cargo bench --locked --bench rates
	cargo bench --locked --bench audit
	cargo bench --locked --bench codes
	cargo bench --locked --bench queries
	cargo bench --locked --bench trace
	cargo bench --locked --bench pages

prepare:
	@scripts/prepare

screenshots:
	@scripts/screenshots
