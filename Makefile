PYTHON ?= python3
UV := .tools/bin/uv
.tools/bin/uv:
	$(PYTHON) -m venv .tools && .tools/bin/pip install --quiet uv==0.13.9
