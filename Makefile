# Every target is a script, which runs without make too: python3 scripts/NAME.py
PYTHON ?= $(or $(shell command -v python3 || command -v python),$(error Python 3.11 or newer is needed: install it from python.org or your package manager))
.DEFAULT_GOAL := help
.PHONY: screenshot lighthouse sqlmap help dev test build serve lint format generate map docs rows bench lock doctor clean

help: ## list these commands
	@$(PYTHON) scripts/help.py

dev: ## start everything for developing, with reload
	@$(PYTHON) scripts/dev.py

test: ## run every check, the browser's too
	@$(PYTHON) scripts/test.py

build: ## compile the frontend
	@$(PYTHON) scripts/build.py

serve: ## run the production build on this machine
	@$(PYTHON) scripts/serve.py

lint: ## check style and types
	@$(PYTHON) scripts/lint.py

format: ## format the sources
	@$(PYTHON) scripts/format.py

generate: ## write the generated code: contracts, API document, client
	@$(PYTHON) scripts/generate.py

map: ## print what each module of the backend is
	@$(PYTHON) scripts/map.py

docs: ## build the documentation and serve it on 127.0.0.1
	@$(PYTHON) scripts/docs.py

rows: ## compare the feature list with the tests and the pages
	@$(PYTHON) scripts/rows.py

bench: ## measure the backend's speed
	@$(PYTHON) scripts/bench.py

lock: ## take the newest versions into requirements.lock
	@$(PYTHON) scripts/lock.py

doctor: ## check this machine and say what to mend
	@$(PYTHON) scripts/doctor.py

clean: ## remove what can be made again; data and .env stay
	@$(PYTHON) scripts/clean.py

screenshot: ## take the picture that README.md shows
	@$(PYTHON) scripts/screenshot.py

lighthouse: ## judge the sign-in page by Lighthouse
	@$(PYTHON) scripts/lighthouse.py

sqlmap: ## attack the sample with sqlmap
	@$(PYTHON) scripts/sqlmap.py
