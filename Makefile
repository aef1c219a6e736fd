# What can be done here? `make` prints the menu. Each line calls a script or cargo; the logic is there.
.PHONY: help run test dev bench build check clean

help: ## Print this menu
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile | expand -t 16

run: ## Install what is missing, build the release, serve the local engine
	@scripts/run $(ARGS)

test: ## Likewise, then check and test everything
	@scripts/test

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
