"""How much of a render is the program that draws it: the pool beside the same renderer, warm and unconfined.

    python benchmarks/floor.py --records records.jsonl --pairs 48

By turns, in one run. The other way is the least that an image can cost: TeX, Chromium, matplotlib and cairo start from
all that is loaded and prepared, in a fork (Chromium, in the page that is kept), without a sandbox, limits, a server or
anything on the wire. Never point it at code that you have not read. CPU time is counted as in render_cost.py.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

from render_cost import codes_of, opened
from rendering import CODE

from vincicoder.rendering.python import PythonRenderer

_WARM_DRIVER = """
import gc, os, sys, tempfile
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from vincicoder.languages import LANGUAGES
from vincicoder.registry import load
from vincicoder.rendering.renderer import Redirect, Workspace

home = tempfile.TemporaryDirectory()
answers = os.dup(1)
for output in (1, 2):
    os.dup2(os.open(os.devnull, os.O_WRONLY), output)  # the code and TeX print a lot
os.environ.setdefault('PLAYWRIGHT_BROWSERS_PATH', str(Path.home() / '.cache/ms-playwright'))
renderers = {}

def prepare(language, code):
    if language not in renderers:
        workspace = Workspace(Path(home.name) / language, 16_000_000, 60.0)
        workspace.cwd.mkdir(parents=True)
        os.chdir(workspace.cwd)
        renderer = renderers[language] = load(LANGUAGES.get(language).renderer_path)()
        getattr(renderer, 'preload_plain', lambda: None)()
        if not getattr(renderer, 'is_plain', lambda code: False)(code):
            renderer.preload()
        if hasattr(renderer, 'open'):
            renderer.open(workspace)
        gc.collect()
        gc.freeze()

def render(language, code):
    with tempfile.TemporaryDirectory() as directory:
        workspace = Workspace(Path(directory), 16_000_000, 60.0)
        workspace.cwd.mkdir()
        os.chdir(workspace.cwd)
        result = renderers[language].render(code, workspace, {})
        os.chdir('/')
        return result

for line in sys.stdin:
    language, code = eval(line)
    prepare(language, code)
    answer = 'ok'
    if renderers[language].jobs_per_child > 1:
        render(language, code)
    else:
        child = os.fork()
        if child == 0:
            try:
                result = render(language, code)
                os._exit(3 if isinstance(result, Redirect) else 0)
            except BaseException:
                os._exit(1)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        answer = {0: 'ok', 3: 'left to another renderer'}.get(status, f'exit {status}')
    os.write(answers, (answer + chr(10)).encode())
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=48, help="renders each way, for each language (default 48)")
    parser.add_argument("--records", type=Path, help="code of a file that code_records.py made, in place of our own")
    args = parser.parse_args()
    own = codes_of(args.records) if args.records else {}
    print(f"{'language':10}{'pool ms':>9}{'floor ms':>10}{'ratio':>8}   means")
    means = []
    for language in sorted(CODE):
        codes = own.get(language) or [CODE[language].format(n=number) for number in range(1, 13)]
        codes = [code for code in codes if "plotly" not in code]  # which goes on in a browser
        with opened(".") as pool, opened(".", _WARM_DRIVER) as floor, opened(".", _WARM_DRIVER) as full:
            costs = []
            for number in range(-len(codes), args.pairs):  # once each before it counts
                code = codes[number % len(codes)]
                needs_more = language == "python" and not PythonRenderer.is_plain(code)
                costs.append((pool.cost(code, language), (full if needs_more else floor).cost(code, language)))
        means.append([statistics.mean(each) for each in zip(*costs[len(codes) :], strict=True)])
        print(f"{language:10}{means[-1][0]:9.1f}{means[-1][1]:10.1f}{means[-1][0] / means[-1][1]:8.2f}", flush=True)
    mean = [statistics.mean(each) for each in zip(*means, strict=True)]
    print(f"{'mean':10}{mean[0]:9.1f}{mean[1]:10.1f}{mean[0] / mean[1]:8.2f}")


if __name__ == "__main__":
    main()
