"""What all tests share: a quiet TensorFlow, marks, groups, what is made once, and skips that name their reason."""

import gc
import importlib.util
import os
import resource
import sys
from collections import defaultdict
from pathlib import Path

# Before anything imports TensorFlow: its C++ log and start-up notices are not warnings of ours.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
# Tests compile much and compute little: XLA, in TensorFlow and in JAX, takes a third of the time so.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false")

import pytest
from families import BUDGET_SECONDS, family_of, group_of, place_of
from shared_runs import SharedFolder, shared_folder_of

TESTS = Path(__file__).resolve().parent


def find_data_dir() -> Path | None:
    """The folder named by KERAS_SEQ_DATA, if it is there."""
    name = os.environ.get("KERAS_SEQ_DATA", "")
    return Path(name).resolve() if name and Path(name).is_dir() else None


def pytest_addoption(parser):
    parser.addoption("--thorough", action="store_true", help="run also what is marked thorough")


def pytest_configure(config):
    """The second backend is tested where TensorFlow cannot be imported, as on a machine that does not have it."""
    if config.option.thorough:
        os.environ["KERAS_SEQ_THOROUGH"] = "1"
    if os.environ.get("KERAS_BACKEND") == "jax" and config.option.markexpr == "both_backends":
        for name in ("tensorflow", "tensorflow_text"):
            sys.modules[name] = None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With `--dist loadgroup`, groups are those of `families.py`; pytest-xdist 3.8 loses its own marks on pytest 9."""
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return group_of(path_below_tests(nodeid))

    config.option.loadscopereorder = False  # the order is that of `pytest_collection_modifyitems`
    return Groups(config, log)


def pytest_collection_modifyitems(config, items):
    leave_out_the_thorough(config, items)
    items.sort(key=lambda item: place_of(group_of(path_below_tests(item.nodeid))))
    if find_data_dir() is None:
        skip_what_needs_data(items)


def path_below_tests(nodeid):
    return nodeid.split("::")[0].removeprefix("tests/")


def leave_out_the_thorough(config, items):
    """Without `--thorough`; a test that is named on the command line runs nevertheless."""
    if config.option.thorough or any("::" in argument for argument in config.args):
        return
    second_run = config.option.markexpr == "both_backends"
    left_out = {item for item in items if item.get_closest_marker("thorough")}
    if second_run:
        left_out |= left_out_on_second_backend(item for item in items if item not in left_out)
    config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    items[:] = [item for item in items if item not in left_out]


def left_out_on_second_backend(items):
    """Of each test all but the cases that its mark names, else all but the last: compiling takes long.

    Where the mark says `thorough=True`, all.
    """
    cases_of = defaultdict(list)
    for item in items:
        cases_of[item.nodeid.split("[")[0]].append(item)
    left_out = set()
    for cases in cases_of.values():
        mark = cases[0].get_closest_marker("both_backends")
        kept = [cases[-1]]
        if mark is not None and mark.args:
            kept = [case for case in cases if case.callspec.id in mark.args]
        elif mark is not None and mark.kwargs.get("thorough"):
            kept = []
        left_out |= set(cases) - set(kept)
    return left_out


def pytest_collection_finish():
    leave_out_of_collection()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item, nextitem):
    """What a file of tests leaves behind would slow the collector down and fill the memory of a worker."""
    if nextitem is None or nextitem.path != item.path:
        forget_custom_gradients()
        leave_out_of_collection()


def forget_custom_gradients():
    """TensorFlow keeps the gradient of each call of a custom gradient in a graph, and with it the graph, for good.

    Each model that is trained leaves a graph or two of some megabytes so, for an optimizer adds up gradients by one.
    """
    framework = sys.modules.get("tensorflow.python.framework.ops")
    if framework is not None:
        gradients = framework.gradient_registry._registry
        for name in [name for name in gradients if name.startswith("CustomGradient-")]:
            del gradients[name]


def leave_out_of_collection():
    """What is there now stays: the collector of garbage need not look through it again and again."""
    gc.collect()
    gc.freeze()


def skip_what_needs_data(items):
    named = os.environ.get("KERAS_SEQ_DATA")
    reason = f"KERAS_SEQ_DATA={named} is no folder" if named else "KERAS_SEQ_DATA names no folder of data sets"
    for item in items:
        if item.get_closest_marker("data"):
            item.add_marker(pytest.mark.skip(reason=f"{item.name}: {reason}"))


def pytest_ignore_collect(collection_path, config):
    """The second backend's run imports only the files whose tests it is asked for: others need TensorFlow."""
    if config.option.markexpr != "both_backends":
        return None
    files = collection_path.rglob("test_*.py") if collection_path.is_dir() else [collection_path]
    return None if any("mark.both_backends" in file.read_text("utf-8") for file in files) else True


# What tests cost: processor time of this process and of those it has waited for, which other load does not change.
_used = 0.0


def processor_seconds():
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    global _used
    report = yield
    now = processor_seconds()
    report.processor_seconds, _used = now - (_used or now), now
    return report


def pytest_terminal_summary(terminalreporter):
    """A table of what each family's tests took, if any ran."""
    seconds, processor = defaultdict(float), defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            family = isinstance(report, pytest.TestReport) and family_of(path_below_tests(report.nodeid))
            if family:
                seconds[family] += report.duration
                processor[family] += getattr(report, "processor_seconds", 0.0)
    if not seconds:
        return
    terminalreporter.section(f"families, each within {BUDGET_SECONDS} s of an idle machine")
    for family in seconds:
        over = f"  over {BUDGET_SECONDS} s" if processor[family] > BUDGET_SECONDS else ""
        terminalreporter.line(f"{family:16}{seconds[family]:7.1f} s{processor[family]:7.1f} s of processor time{over}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """What is exported is verified by one process that all tests of a worker feed, or, where marked, by a fresh one."""
    verify = sys.modules.get("keras_seq.export.verify")
    if verify is None:
        return
    if not _verification:
        from verification import VerificationServer

        _verification.update(served=VerificationServer(), fresh=verify.run_program)
    verify.run_program = _verification["fresh" if item.get_closest_marker("fresh_process") else "served"]


def pytest_sessionfinish():
    if _verification:
        _verification["served"].close()


_verification = {}


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory) -> SharedFolder:
    """The folder of what is made once in a run of the tests: trained runs, exports."""
    return shared_folder_of(tmp_path_factory)


@pytest.fixture
def seed_of_kills() -> int:
    """Decides the moments of kills: another in each run, shown when a test fails, and set by KERAS_SEQ_KILL_SEED."""
    seed = int(os.environ.get("KERAS_SEQ_KILL_SEED") or int.from_bytes(os.urandom(4)))
    print(f"To repeat these kills: KERAS_SEQ_KILL_SEED={seed}")
    return seed


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of data sets; a test that asks for it is marked `data`."""
    folder = find_data_dir()
    if folder is None:
        pytest.skip("KERAS_SEQ_DATA names no folder of data sets")
    return folder


@pytest.fixture(scope="session")
def zoo_script():
    """What loads a script of `zoo/` by its name, which is no package, as a module."""

    def load(name):
        path = TESTS.parent / "zoo" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load
