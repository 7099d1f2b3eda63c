"""script/setup and script/test in a checkout of their own: what they would install, and which tests they would run.

`uv` and the Pythons are stand-ins that write down how they were called: nothing is installed here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# pip fails while the file `refuse` is there; an environment is a folder with a Python that only writes down its arguments.
UV = """#!/usr/bin/env bash
echo "uv $*" >>"$WORKPLACE/calls"
if [[ $1 == pip && -e $WORKPLACE/refuse ]]; then echo "no such package" >&2; exit 1; fi
if [[ $1 == venv ]]; then
  venv=${*: -1}
  mkdir -p "$venv/bin"
  version=3.11.2
  [[ $venv != *-ha ]] || version=3.14.3
  echo "version_info = $version" >"$venv/pyvenv.cfg"
  cp "$WORKPLACE/environment_python" "$venv/bin/python"
fi
"""
ENVIRONMENT_PYTHON = """#!/usr/bin/env bash
echo "$(basename "$(dirname "$(dirname "$0")")") $*" >>"$WORKPLACE/calls"
exit "$(cat "$WORKPLACE/result" 2>/dev/null || echo 0)"
"""
PYTHON314 = "#!/usr/bin/env bash\n"
PIP_OPTIONS = "--disable-pip-version-check --target .cache/uv --no-deps --only-binary :all: --require-hashes"
PYTHON_WITH_PIP = """#!/usr/bin/env bash
[[ $3 == install ]] || exit 0
echo "${*:2}" >>"$WORKPLACE/calls"
mkdir -p "$WORKPLACE/checkout/.cache/uv/bin"
cp "$WORKPLACE/brought" "$WORKPLACE/checkout/.cache/uv/bin/uv"
"""


class Checkout:
    """A copy of the scripts, and the calls that they make."""

    def __init__(self, workplace: Path) -> None:
        self.workplace = workplace
        self.root = workplace / "checkout"
        shutil.copytree(ROOT / "script", self.root / "script")
        (self.root / "wyoming_server").mkdir()
        for name in ("pyproject.toml", "wyoming_server/__init__.py"):
            shutil.copy(ROOT / name, self.root / name)
        for name, content in {"uv": UV, "python3.14": PYTHON314, "chromium": PYTHON314}.items():
            self.program(f"bin/{name}", content)
        self.program("environment_python", ENVIRONMENT_PYTHON)

    def program(self, name: str, content: str) -> None:
        path = self.workplace / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
        path.chmod(0o755)

    def run(self, script: str, *arguments: str, result: int = 0, **environment: str) -> str:
        """Runs a script, which must end with `result`; what it said."""
        inherited = {
            "PATH": f"{self.workplace}/bin:/usr/bin:/bin",
            "WORKPLACE": str(self.workplace),
            "HERALD_PYTHON": sys.executable,
        }
        done = subprocess.run(  # noqa: S603
            [str(self.root / "script" / script), *arguments],
            env=inherited | environment,
            cwd=self.workplace,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == result, done.stderr
        return done.stdout + done.stderr

    def calls(self) -> list[str]:
        """Since the last time, without what differs between machines."""
        calls = self.workplace / "calls"
        if not calls.exists():
            return []
        lines = calls.read_text()
        calls.unlink()
        for path, name in (
            (f"{self.root}/", ""),
            (str(self.root), "CHECKOUT"),
            (f"{self.workplace}/", ""),
            (sys.executable, "PYTHON"),
        ):
            lines = lines.replace(path, name)
        return lines.splitlines()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def installs(venv: str, name: str) -> list[str]:
    return [
        f"uv pip sync --python {venv}/bin/python --require-hashes script/requirements/{name}.txt",
        f"uv pip install --python {venv}/bin/python --no-deps --no-build-isolation --editable CHECKOUT",
    ]


def test_the_server_gets_an_environment_with_the_pinned_packages(checkout: Checkout) -> None:
    checkout.run("setup", "server")
    assert checkout.calls() == ["uv venv --no-project --python PYTHON .venv", *installs(".venv", "server")]


def test_nothing_is_done_when_nothing_changed(checkout: Checkout) -> None:
    checkout.run("setup", "all")
    checkout.calls()
    assert checkout.run("setup", "all") == ""
    assert checkout.run("setup", "server") == ""
    assert checkout.calls() == []


@pytest.mark.parametrize("name", ["script/requirements/server.txt", "pyproject.toml", "wyoming_server/__init__.py"])
def test_a_changed_file_is_installed_anew(checkout: Checkout, name: str) -> None:
    checkout.run("setup", "server")
    checkout.calls()
    with (checkout.root / name).open("a") as file:
        file.write("# changed\n")
    checkout.run("setup", "server")
    assert checkout.calls() == installs(".venv", "server")


def test_tools_stay_when_the_server_is_set_up_again(checkout: Checkout) -> None:
    checkout.run("setup", "dev")
    checkout.calls()
    with (checkout.root / "pyproject.toml").open("a") as file:
        file.write("# changed\n")
    checkout.run("setup", "server")
    assert checkout.calls() == installs(".venv", "dev")


def test_home_assistant_gets_an_environment_of_its_own(checkout: Checkout) -> None:
    checkout.run("setup", "all")
    assert checkout.calls()[3:] == ["uv venv --no-project --python bin/python3.14 .venv-ha", *installs(".venv-ha", "dev")]


def test_a_failed_install_says_why_and_is_tried_again(checkout: Checkout) -> None:
    (checkout.workplace / "refuse").touch()
    said = checkout.run("setup", "server", result=1)
    assert "no such package" in said
    assert "script/requirements/server.txt" in said
    (checkout.workplace / "refuse").unlink()
    checkout.calls()
    checkout.run("setup", "server")
    assert checkout.calls() == installs(".venv", "server")


def test_a_moved_checkout_is_set_up_anew(checkout: Checkout) -> None:
    checkout.run("setup", "server")
    checkout.calls()
    checkout.root = checkout.root.rename(checkout.workplace / "elsewhere")
    checkout.run("setup", "server")
    assert checkout.calls() == ["uv venv --no-project --python PYTHON .venv", *installs(".venv", "server")]


def test_another_python_is_taken_when_one_is_named(checkout: Checkout) -> None:
    checkout.run("setup", "server")
    checkout.calls()
    other = checkout.workplace / "other"
    other.symlink_to(sys.executable)
    checkout.run("setup", "server", HERALD_PYTHON=str(other))
    assert checkout.calls()[0] == "uv venv --no-project --python other .venv"
    assert checkout.run("setup", "server", HERALD_PYTHON="") == ""


def test_a_python_that_is_none_is_refused_in_words(checkout: Checkout) -> None:
    said = checkout.run("setup", "server", result=1, HERALD_PYTHON="/bin/false")
    assert "HERALD_PYTHON is /bin/false, which is not a Python 3.11 to 3.14." in said


def test_without_uv_pip_brings_the_pinned_one(checkout: Checkout) -> None:
    shutil.move(checkout.workplace / "bin/uv", checkout.workplace / "brought")
    checkout.program("bin/python3", PYTHON_WITH_PIP)
    checkout.run("setup", "server")
    brought, *rest = checkout.calls()
    assert brought == f"pip install {PIP_OPTIONS} -r script/requirements/uv.txt"
    assert rest == ["uv venv --no-project --python PYTHON .venv", *installs(".venv", "server")]


def test_without_uv_and_pip_a_sentence_says_what_to_install(checkout: Checkout) -> None:
    (checkout.workplace / "bin/uv").unlink()
    checkout.program("bin/python3", "#!/usr/bin/env bash\nexit 1\n")
    said = checkout.run("setup", "server", result=1)
    assert "apt-get install python3 python3-pip" in said


def test_an_unknown_set_is_refused_in_words(checkout: Checkout) -> None:
    assert 'takes server, dev or all, not "everything"' in checkout.run("setup", "everything", result=1)


@pytest.mark.parametrize("script", ["setup", "test", "lint", "lock", "python314"])
def test_help_prints_the_usage_and_sets_nothing_up(checkout: Checkout, script: str) -> None:
    said = checkout.run(script, "--help")
    assert f"usage: script/{script}" in said
    assert checkout.calls() == []


SERVER = "--ignore=tests/home_assistant --ignore=tests/whole"
AGAIN = f"{SERVER} --ignore=tests/browser"
IN_HOME_ASSISTANT = "-o addopts= tests/home_assistant"


@pytest.mark.parametrize(
    ("arguments", "runs"),
    [
        ("", [f".venv -m pytest {SERVER}", f".venv-ha -m pytest {AGAIN}", f".venv-ha -m pytest {IN_HOME_ASSISTANT}"]),
        ("--server -x", [f".venv -m pytest {SERVER} -x"]),
        ("--ha", [f".venv-ha -m pytest {IN_HOME_ASSISTANT}"]),
        ("tests/text -k a", [f".venv -m pytest {SERVER} tests/text -k a", f".venv-ha -m pytest {AGAIN} tests/text -k a"]),
        ("tests/home_assistant/test_a.py::test_b", [f".venv-ha -m pytest {IN_HOME_ASSISTANT}/test_a.py::test_b"]),
    ],
)
def test_tests_run_where_they_belong(checkout: Checkout, arguments: str, runs: list[str]) -> None:
    checkout.run("setup", "all")
    checkout.calls()
    checkout.run("test", *arguments.split())
    assert checkout.calls() == runs


@pytest.fixture
def without_browser(checkout: Checkout) -> str:
    """The PATH of a machine that has everything but a browser, and whose apt-get only writes down its arguments."""
    tools = checkout.workplace / "tools"
    tools.mkdir()
    for path in Path("/usr/bin").iterdir():
        if path.name not in {"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}:
            (tools / path.name).symlink_to(path)
    (checkout.workplace / "bin/chromium").unlink()
    checkout.program("bin/apt-get", '#!/usr/bin/env bash\necho "apt-get $*" >>"$WORKPLACE/calls"\n')
    checkout.program("bin/id", '#!/usr/bin/env bash\necho "${AS_USER:-0}"\n')
    checkout.run("setup", "all")
    checkout.calls()
    return f"{checkout.workplace}/bin:{tools}"


def test_root_gets_a_browser_that_is_missing(checkout: Checkout, without_browser: str) -> None:
    brings = 'chromium="$WORKPLACE/bin/chromium"\n[[ $* != *install* ]] || { echo >"$chromium"; chmod +x "$chromium"; }\n'
    with (checkout.workplace / "bin/apt-get").open("a") as apt:
        apt.write(brings)
    checkout.run("test", "--server", PATH=without_browser)
    assert checkout.calls() == [
        "apt-get -q update",
        "apt-get -q install --yes --no-install-recommends chromium",
        f".venv -m pytest {SERVER}",
    ]


@pytest.mark.parametrize(("user", "words"), [("1000", "tests/browser needs Chromium"), ("0", "Chromium could not be installed")])
def test_tests_without_a_browser_fail_with_a_sentence(checkout: Checkout, without_browser: str, user: str, words: str) -> None:
    said = checkout.run("test", result=1, PATH=without_browser, AS_USER=user)
    assert words in said
    assert not [call for call in checkout.calls() if "pytest" in call]


@pytest.mark.parametrize(
    "arguments", ["tests/text", "--ha", "--ignore=tests/browser", "tests/home_assistant", "--server tests/a.py"]
)
def test_no_browser_is_needed_for_other_tests(checkout: Checkout, without_browser: str, arguments: str) -> None:
    checkout.run("test", *arguments.split(), PATH=without_browser, AS_USER="1000")


@pytest.mark.parametrize("arguments", ["tests", "tests/", "tests/browser/test_page.py -x", "tests/text tests/browser"])
def test_a_browser_is_needed_for_a_choice_of_its_tests(checkout: Checkout, without_browser: str, arguments: str) -> None:
    checkout.run("test", *arguments.split(), result=1, PATH=without_browser, AS_USER="1000")
    checkout.run("test", *arguments.split(), PATH=without_browser, AS_USER="1000", HERALD_BROWSER="/opt/a/browser")


def test_all_runs_go_on_after_a_failure_and_the_end_says_which_failed(checkout: Checkout) -> None:
    (checkout.workplace / "result").write_text("1")
    said = checkout.run("test", result=1)
    assert len([call for call in checkout.calls() if " -m pytest " in call]) == 3
    assert "failed: the server's tests, Python 3.11.2" in said
    assert "failed: the tests in Home Assistant, Python 3.14.3" in said


# What pytest remembers as failed and how it ends, of the whole run and of the second one.
FLAKY_PYTHON = """#!/usr/bin/env bash
echo "$(basename "$(dirname "$(dirname "$0")")") $*" >>"$WORKPLACE/calls"
run=first
[[ $* != *--last-failed* ]] || run=second
memory=$WORKPLACE/checkout/.pytest_cache/v/cache
mkdir -p "$memory"
cp "$WORKPLACE/$run" "$memory/lastfailed"
exit "$(cat "$WORKPLACE/$run.result")"
"""


def in_ci(checkout: Checkout, first: tuple[int, list[str]], second: tuple[int, list[str]], result: int, *arguments: str) -> str:
    """What script/test says where pytest ends so, with these failures."""
    checkout.program("environment_python", FLAKY_PYTHON)
    checkout.run("setup", "dev")
    checkout.calls()
    for name, (code, failed) in {"first": first, "second": second}.items():
        (checkout.workplace / f"{name}.result").write_text(str(code))
        (checkout.workplace / name).write_text(json.dumps(dict.fromkeys(failed, True), indent=2, ensure_ascii=False))
    return checkout.run("test", "--server", *arguments, result=result, CI="true")


FAILED = ["tests/a.py::test_b", "tests/a.py::test_c[声 d]"]
ALONE = "--last-failed --last-failed-no-failures none"


def test_in_ci_a_test_that_passes_alone_is_flaky_and_told(checkout: Checkout) -> None:
    said = in_ci(checkout, (1, FAILED), (0, []), 0)
    assert checkout.calls() == [f".venv -m pytest {SERVER}", f".venv -m pytest {SERVER} {ALONE}"]
    for test in FAILED:
        assert f"herald: flaky: failed once, passed alone: {test}\n" in said
    assert "herald: failed" not in said


@pytest.mark.parametrize("second", [(1, FAILED[:1]), (5, FAILED), (0, FAILED[:1]), (10, []), (139, [])])
def test_a_test_that_does_not_pass_alone_fails_the_run(checkout: Checkout, second: tuple[int, list[str]]) -> None:
    said = in_ci(checkout, (1, FAILED), second, 1)
    assert "failed: the server's tests" in said
    assert "flaky" not in said


@pytest.mark.parametrize(
    "first",
    [(139, []), (2, FAILED), (3, FAILED), (10, FAILED), (1, []), (1, [f"tests/a.py::test_{number}" for number in range(11)])],
)
def test_what_is_no_small_failure_gets_no_second_chance(checkout: Checkout, first: tuple[int, list[str]]) -> None:
    in_ci(checkout, first, (0, []), 1)
    assert checkout.calls() == [f".venv -m pytest {SERVER}"]


def test_a_run_with_options_gets_no_second_chance(checkout: Checkout) -> None:
    in_ci(checkout, (1, FAILED), (0, []), 1, "-x")
    assert checkout.calls() == [f".venv -m pytest {SERVER} -x"]


def test_what_failed_in_an_earlier_run_is_forgotten_in_ci(checkout: Checkout) -> None:
    memory = checkout.root / ".pytest_cache/v/cache"
    memory.mkdir(parents=True)
    (memory / "lastfailed").write_text(json.dumps({"tests/old.py::test_old": True}, indent=2))
    in_ci(checkout, (0, []), (0, []), 0)
    assert "old" not in (memory / "lastfailed").read_text()


@pytest.mark.parametrize(("arguments", "words"), [("", "there were none"), ("-k nothing", "no test was chosen by: -k nothing")])
def test_a_run_without_any_test_is_a_failure(checkout: Checkout, arguments: str, words: str) -> None:
    (checkout.workplace / "result").write_text(str(int(pytest.ExitCode.NO_TESTS_COLLECTED)))
    assert words in checkout.run("test", *arguments.split(), result=1)


def test_the_scripts_are_bash_without_errors() -> None:
    scripts = [str(path) for path in (ROOT / "script").iterdir() if path.is_file()]
    for script in [*scripts, str(ROOT / ".ci/run")]:
        subprocess.run(["/bin/bash", "-n", script], check=True, env=dict(os.environ))  # noqa: S603
