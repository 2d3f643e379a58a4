# `make` lists what there is. Everything is safe to repeat.
SHELL = /bin/bash
BACKEND ?= vxlan
.DEFAULT_GOAL = help

.PHONY: help demo demo-down lab-up lab-down lab-vm-up lab-vm-down cache-clean venv

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+( [a-z-]+)*:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## A real three-node cluster with its pod network; BACKEND=vxlan|directrouting|host-gw|udp
	@tools/lab-demo $(BACKEND)

demo-down: ## Remove all of it and stop the Docker engine if make started it
	@tools/lab-down --engine

lab-up: ## The same cluster without a pod network
	@tools/lab-up

lab-down: ## Remove the cluster; the Docker engine stays
	@tools/lab-down

lab-vm-up: ## A second cluster, whose nodes are virtual machines with a kernel of their own
	@tools/lab-vm-up

lab-vm-down: ## Remove it
	@tools/lab-vm-down

cache-clean: ## Remove the cluster and all that was built or downloaded for it
	@tools/lab-cache-clean

venv: ## The virtual environment of the tests
	@tools/bootstrap venv

include tools/test.mk
