# What a developer runs. Takes the tools from PATH: activate the environment first.
.PHONY: check format audit fast test docs quickstart clean

check:
	ruff format --check .
	ruff check .
	oxlint --deny-warnings .
	mypy

format:
	ruff format .
	ruff check --fix .

# Says "not run" where the database of advisories cannot be reached.
audit:
	python tests/audit.py

# Two minutes on two cores, and needs no more than pip install -e .[dev].
fast:
	python -m pytest -n auto --dist loadfile --no-loadscope-reorder -m "not slow" tests/fast

test:
	bash tests/run.sh

# Needs pip install -e .[docs]; the site is build/html/index.html.
docs:
	python docs/make_site.py
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet

quickstart:
	bash examples/quickstart.sh

clean:
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache runs
