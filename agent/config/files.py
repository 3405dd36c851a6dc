"""Names of all files and folders that one command leaves for another, each written down once."""

from __future__ import annotations

from pathlib import Path

from agent import PRODUCT


def is_checkout(root: Path) -> bool:
    """Returns True if ``root`` is a checkout of this project, and no folder of installed packages.

    An editable installation runs from its checkout.
    """
    try:
        text = (root / "pyproject.toml").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False
    return f'name = "{PRODUCT}"' in text


REPO_ROOT = Path(__file__).resolve().parents[2]  # what the package lies in
PROJECT = REPO_ROOT / "pyproject.toml"
BUNDLED_DIR = REPO_ROOT / "agent" / "bundled"  # the champion that comes with the project
CHECKOUT = is_checkout(REPO_ROOT)

# Results belong to the checkout. Installed, the package belongs to nobody who runs it.
if CHECKOUT:
    SHOWN_ROOT = REPO_ROOT
    RESULTS_ROOT = REPO_ROOT / "agent"
else:
    SHOWN_ROOT = Path.cwd()
    RESULTS_ROOT = SHOWN_ROOT
RESULTS_DIR = RESULTS_ROOT / "outerloop-results"
MODELS_DIR = RESULTS_ROOT / "models"
RUNS_DIR = RESULTS_ROOT / "runs"  # of experiments that have a name

# A trial's folder, below the models.
LAUNCH = "launch.json"  # what runs there, from before its process starts
CONFIG = "config.json"
TRIAL_LOG = "log.txt"  # its output and errors
PROGRESS = "progress.jsonl"  # a line for each evaluation
STOP = "stop.txt"  # left there, it has the trial stop; its text is the reason
STATE = "state.pkl"  # all that --resume needs
WATCH = "watch"  # while it is young somebody looks, and there is a SNAPSHOT
SNAPSHOT = "snapshot.bin"  # pictures of this moment
MODEL = "model.zip"  # best checkpoint
LAST_MODEL = "last_model.zip"
RESULT = "result.json"
CURVES = "tb"  # folder of TensorBoard's files

# A champion's folder, below the models; it holds ``MODEL`` too.
CHAMPION = "champion"
MANIFEST = "manifest.json"
EXPORTED = "champion.tflite"  # for other programs, see ``--export-champion``
EXPORT_MANIFEST = f"{EXPORTED}.json"
TITLES_LOCK = ".titles.lock"  # beside the champions' folders
PREVIOUS = "previous"  # the champion before

# The results folder.
SEARCH_LEDGER = "autoresearch_results.jsonl"
SWEEP_LEDGER = "clean_sweep_results.jsonl"
STUDY_LOG = "autoresearch_log.txt"
EVALUATIONS = "evaluations.jsonl"  # of evaluate_champion.py
RACES = "races.jsonl"  # of evaluate_champion.py --race
BELIEF = "belief.json"  # what the search expects now
SIMULATORS = "simulators"  # folder of what servers that were started show
LOCK = ".controller.lock"
LOCK_HOLDER = ".controller.holder"
HUB = "hub"  # folder of push_model.py
REPORT = "report"  # folder of report.py
REPORT_PAGE = "report.html"


def shown_path(path: Path) -> str:
    """Returns ``path`` relative to the checkout when it lies in it, else absolute.

    Installed, it is relative to the working directory.
    """
    path = path.resolve()
    if not path.is_relative_to(SHOWN_ROOT):
        return str(path)
    return path.relative_to(SHOWN_ROOT).as_posix()
