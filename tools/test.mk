# The test targets; the Makefile includes this file and owns `venv`, which makes .venv from requirements-dev.txt.

TEST = .venv/bin/python tools/test

.PHONY: test test-unit test-netns test-lint test-sanity test-package test-importer test-molecule test-long

test: venv ## Run everything CI runs and print one summary
	$(TEST)

test-unit: venv ## Unit and property tests (seconds)
	$(TEST) --only unit

test-netns: venv ## Tests in network namespaces (root)
	$(TEST) --only netns

test-lint: venv ## ruff and ansible-lint
	$(TEST) --only lint

test-sanity: venv ## ansible-test sanity
	$(TEST) --only sanity

test-package test-importer: venv ## Build the tarball, install it, import it as Galaxy would
	$(TEST) --only package

test-molecule: venv ## Molecule scenarios on the lab; SCENARIO=name runs one
	$(TEST) $(if $(SCENARIO),--only lab --only molecule-$(SCENARIO),--only molecule)

test-long: venv ## The slow tests too: unit, every way to interrupt a change, and every pair of changes (hours)
	SWITCHYARD_LONG=1 $(TEST) --only unit --only lab --only molecule-interrupted --only molecule-switch --only molecule-killed \
		--only molecule-migrate --only molecule-migrate_planted --only molecule-registry --only molecule-vm_flannel

.PHONY: docs
docs: venv ## Write the pages that are made from code
	.venv/bin/python tools/docs

.PHONY: bench
bench: venv ## Measure the controller, a deployment against kubectl alone, and a live change against the naive one; ROUNDS=3
	tools/lab-up
	.venv/bin/python tools/bench --publish $(if $(ROUNDS),--rounds $(ROUNDS))

.PHONY: bench-scale
bench-scale: venv ## Only the controller: needs no lab
	.venv/bin/python tools/bench --publish --only scale
