# The words people type every day. `make` alone lists them.
SHELL := /bin/bash
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
PYTHON := .venv/bin/python
# ansible-playbook, with Ansible in memory: docs/interpreter.md.
PLAYBOOK := interpreter/ansible-playbook
# It asks at the terminal that a process belongs to: so it isn't one that was there before.
ASKING := ansible-playbook

# What people type is data. make expands none of it, no recipe has it in its text, and a program gets it by its
# environment (tools/with-words). A word counts where it is typed after `make`, and not where the environment has a
# variable of its name: `export CONFIRM=yes` answers no question. Only INVENTORY may be there too.
WORDS := REF REASON MAINTENANCE RELEASE DATABASE KEY INTO REPLACE UNSIGNED CONFIRM PHASE DIFF DRIFT STRICT DELETE_DATA TEARDOWN_ZONE \
  TEARDOWN_WITHOUT_DUMP TEARDOWN_DUMP_DIR ROUTE53_FORCE WHAT INVENTORY
typed := $(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),$(name)))
$(foreach name,$(typed),$(eval override export $(name) := $$(value $(name))))
unknown := $(filter-out $(WORDS) PYTHON PLAYBOOK ASKING SHELL MAKEFLAGS,$(typed))
$(if $(unknown),$(error $(firstword $(unknown)): there is no such word. There are: $(WORDS)))
$(foreach word,$(filter-out $(typed) INVENTORY,$(WORDS)),$(eval unexport $(word)))
export ANDAMIO_WORDS := $(filter $(WORDS),$(typed))
WITH := $(PYTHON) tools/with-words

.DEFAULT_GOAL := help
.PHONY: help demo sandbox sandbox-reset sandbox-down site api plan deploy rollback restore releases doctor status teardown shell logs browse test test-fast chaos bench

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

deploy: .bootstrap-demo ## Deploy the API [REF=v1.2] [REASON=…] [MAINTENANCE=true] [INVENTORY=inventories/production]
	@$(WITH) REF REASON MAINTENANCE -- $(PLAYBOOK) playbooks/deploy.yml

rollback: .bootstrap-demo ## Back to the release before [RELEASE=…] [DATABASE=restore] [REASON=…] [INVENTORY=…]
	@$(WITH) RELEASE DATABASE CONFIRM REASON MAINTENANCE -- $(ASKING) playbooks/rollback.yml

restore: .bootstrap-demo ## Load a dump [KEY=…] [INTO=check | REPLACE=yes] [UNSIGNED=yes] [CONFIRM=…] [INVENTORY=…]
	@$(WITH) KEY INTO REPLACE UNSIGNED CONFIRM -- $(ASKING) playbooks/restore.yml

releases: .bootstrap-demo ## What is live, which releases there are, and the last runs [INVENTORY=…]
	@$(WITH) -- $(PLAYBOOK) playbooks/releases.yml

# What it says of itself is what a run says; with DIFF=yes, each file's lines too.
plan: .bootstrap-demo ## What a run would change, cost and leave to you [PHASE=phase1] [DIFF=yes] [INVENTORY=…]
	@ANDAMIO_PLAN_JSON=.cache/plan/plan.json ANDAMIO_PLAN_MARKDOWN=.cache/plan/plan.md \
	  $(WITH) PHASE DIFF -- $(PLAYBOOK) site.yml --check

doctor: .bootstrap-demo ## What would stop you, and how to put it right [INVENTORY=inventories/production]
	@$(WITH) -- $(PLAYBOOK) playbooks/doctor.yml

# The plan first, then a question, then the deletions; CONFIRM=yes answers it beforehand.
teardown: .bootstrap-demo ## Take it down again [PHASE=phase1] [DELETE_DATA=project] [CONFIRM=yes] [INVENTORY=…]
	@$(takes_down) --check --diff
	@answer=$$CONFIRM; test -n "$$answer" || read -r -p "Delete all this? Only 'yes' goes on: " answer; \
	  test "$$answer" = yes || { echo "Nothing was deleted: the answer wasn't 'yes'." >&2; exit 1; }
	@$(takes_down)

takes_down = $(WITH) PHASE CONFIRM DELETE_DATA TEARDOWN_ZONE TEARDOWN_WITHOUT_DUMP TEARDOWN_DUMP_DIR ROUTE53_FORCE \
  -- $(PLAYBOOK) playbooks/teardown.yml

# A check run first, for drift; what it says is in the log, and whether it fails is for the status to tell.
status: .bootstrap-demo ## What exists and how it is, and as a page [DRIFT=no] [STRICT=true] [INVENTORY=…]
	@$(WITH) DRIFT STRICT -- true
	@mkdir -p .cache/status && rm -f .cache/status/plan.json
	@[ "$$DRIFT" = no ] || { echo 'Looking for drift (DRIFT=no leaves it out) …'; \
	  ANDAMIO_PLAN_JSON=.cache/status/plan.json $(WITH) DRIFT STRICT -- $(PLAYBOOK) site.yml --check \
	  </dev/null >.cache/status/plan.log 2>&1 || true; }
	@$(WITH) DRIFT STRICT -- $(PLAYBOOK) playbooks/status.yml -e "status_plan_file=$$PWD/.cache/status/plan.json"

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

chaos: ## Kill phase 1 in each role, from an empty account on, and see the next run complete it: minutes
	@tools/bootstrap test
	@$(PYTHON) -m tests.e2e.chaos

bench: ## Measure against the peers: WHAT=s3, ssm, plan, hosts, redeploy or capacity; writes docs/benchmarks.md
	@tools/bootstrap bench
	@set -f; $(PYTHON) -m benchmarks -- $$WHAT

.PHONY: .bootstrap-demo
.bootstrap-demo:
	@tools/bootstrap demo
