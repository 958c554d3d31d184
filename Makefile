# The words people type every day. `make` alone lists them.
SHELL := /bin/bash
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
PYTHON := .venv/bin/python
# ansible-playbook, with Ansible in memory: docs/interpreter.md.
PLAYBOOK := interpreter/ansible-playbook

.DEFAULT_GOAL := help
.PHONY: help demo sandbox sandbox-reset sandbox-down site api plan deploy rollback releases doctor status teardown shell logs browse test test-fast bench

help: ## List these words
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: sandbox site api ## Phase 1, from nothing to a live site and API on this machine
	@$(PLAYBOOK) site.yml -t phase1

sandbox: .bootstrap-demo ## Start the sandbox: an AWS on this machine
	@$(PYTHON) -m sandbox up

sandbox-reset: .bootstrap-demo ## An empty account again
	@$(PYTHON) -m sandbox reset

sandbox-down: ## Stop the sandbox and leave nothing behind
	@test ! -x $(PYTHON) || $(PYTHON) -m sandbox down

site: .bootstrap-demo ## Build the example React site
	@tools/build-site

api: .bootstrap-demo ## Pack the example Laravel API
	@examples/build-api

# make deploy INVENTORY=inventories/production REF=v1.2 REASON="It's urgent": as JSON, no quote is in the way.
inventory = $(if $(INVENTORY),-i '$(INVENTORY)')
variables = -e "$$($(PYTHON) -c 'import json, os, sys; \
  print(json.dumps({name.lower(): os.environ[name] for name in sys.argv[1:] if os.environ.get(name)}))' $(1))"

deploy: .bootstrap-demo ## Deploy the API [REF=v1.2] [REASON=…] [MAINTENANCE=true] [INVENTORY=inventories/production]
	@$(PLAYBOOK) $(inventory) playbooks/deploy.yml $(call variables,REF REASON MAINTENANCE)

# It may ask for a confirmation, at the terminal that a process belongs to: so it isn't one that was there before.
rollback: .bootstrap-demo ## Back to the release before [RELEASE=…] [DATABASE=restore] [REASON=…] [INVENTORY=…]
	@ansible-playbook $(inventory) playbooks/rollback.yml $(call variables,RELEASE DATABASE CONFIRM REASON)

releases: .bootstrap-demo ## What is live, which releases there are, and the last runs [INVENTORY=…]
	@$(PLAYBOOK) $(inventory) playbooks/releases.yml

# What it says of itself is what a run says; with DIFF=yes, each file's lines too.
plan: .bootstrap-demo ## What a run would change, cost and leave to you [PHASE=phase1] [DIFF=yes] [INVENTORY=…]
	@ANDAMIO_PLAN_JSON=.cache/plan/plan.json ANDAMIO_PLAN_MARKDOWN=.cache/plan/plan.md \
	  $(PLAYBOOK) $(inventory) site.yml --check $(if $(PHASE),-t '$(PHASE)') $(if $(DIFF),--diff)

doctor: .bootstrap-demo ## What would stop you, and how to put it right [INVENTORY=inventories/production]
	@$(PLAYBOOK) $(inventory) playbooks/doctor.yml

# The plan first, then a question, then the deletions; CONFIRM=yes answers it beforehand.
teardown: .bootstrap-demo ## Take it down again [PHASE=phase1] [DELETE_DATA=project] [CONFIRM=yes] [INVENTORY=…]
	@$(takes_down) --check --diff
	@answer='$(CONFIRM)'; test -n "$$answer" || read -r -p "Delete all this? Only 'yes' goes on: " answer; test "$$answer" = yes
	@$(takes_down)

takes_down = $(PLAYBOOK) $(inventory) playbooks/teardown.yml $(if $(PHASE),-t '$(PHASE)') $(call variables,DELETE_DATA TEARDOWN_ZONE TEARDOWN_WITHOUT_DUMP TEARDOWN_DUMP_DIR ROUTE53_FORCE)

# A check run first, for drift; what it says is in the log, and whether it fails is for the status to tell.
status: .bootstrap-demo ## What exists and how it is, and as a page [DRIFT=no] [STRICT=true] [INVENTORY=…]
	@mkdir -p .cache/status && rm -f .cache/status/plan.json
	@[ '$(DRIFT)' = no ] || { echo 'Looking for drift (DRIFT=no leaves it out) …'; \
	  ANDAMIO_PLAN_JSON=.cache/status/plan.json $(PLAYBOOK) $(inventory) site.yml --check \
	  </dev/null >.cache/status/plan.log 2>&1 || true; }
	@$(PLAYBOOK) $(inventory) playbooks/status.yml -e status_plan_file=$(CURDIR)/.cache/status/plan.json \
	  $(if $(STRICT),-e status_strict=$(STRICT))

shell: ## A shell on the host
	@$(PYTHON) -m sandbox shell

logs: ## The host's, nginx's, PHP's and Laravel's newest log lines
	@$(PYTHON) -m sandbox logs

browse: ## Open the site in Chromium, or take a screenshot where there is no screen
	@tools/bootstrap test
	@$(PYTHON) -m tests.e2e.browser browse

test: ## The whole gate: lint, sanity, unit, integration, molecule, e2e
	@tools/bootstrap test
	@$(PYTHON) -m tests.gate

test-fast: ## Lint and unit tests, for daily use
	@tools/bootstrap test
	@$(PYTHON) -m tests.gate fast

bench: ## Measure against the peers: WHAT=s3, ssm, plan, hosts, redeploy or capacity; writes docs/benchmarks.md
	@tools/bootstrap bench
	@$(PYTHON) -m benchmarks $(WHAT)

.PHONY: .bootstrap-demo
.bootstrap-demo:
	@tools/bootstrap demo
