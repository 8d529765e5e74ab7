# What a developer runs. Takes the tools from PATH: activate the environment first.
.PHONY: check format test quickstart clean

check:
	ruff format --check .
	ruff check .
	mypy

format:
	ruff format .
	ruff check --fix .

test:
	bash tests/run.sh

quickstart:
	bash examples/quickstart.sh

clean:
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache runs
