# Tasks of the project; `make` prints the menu. Each target calls a script or cargo, which contains the logic.
.PHONY: help run test test-engines dev bench build check clean

help: ## Print this menu
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' Makefile | expand -t 20

run: ## Install what is missing, build the release, serve the local engine
	@scripts/run $(ARGS)

test: ## Likewise, then check and test everything
	@scripts/test

test-engines: ## Likewise, with everything on all engines: Docker 28 with both image stores, Podman 5
	@scripts/test engines

dev: ## Serve a development build that reloads on each change
	@scripts/dev

bench: ## Measure, and print the table of figures (ARGS=--quick for a short one)
	@scripts/bench $(ARGS)

build: ## Build the release: target/release/quaylight
	@scripts/build

check: ## Format, lints, types: what needs no engine and no browser
	@scripts/check

clean: ## Delete what is built and fetched here
	@scripts/clean
