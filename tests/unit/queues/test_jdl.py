from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdirac_py.model.queue import CPU_SEGMENTS, Shape
from vmdirac_py.queues.jdl import Parsed, parse
from vmdirac_py.queues.jdl_syntax import BadJdl

EXAMPLES = Path(__file__).parents[3] / "examples" / "jobs"


def read(text: str, folder: Path | None = None, **identity: str) -> Parsed:
    """Parse a JDL called `job.jdl`."""
    return parse(text, folder=folder, where="job.jdl", **identity)


def shape(lines: str) -> Shape:
    """Return the shape of a job with these lines."""
    return read(f'Executable = "x.sh";\n{lines}').specs[0].shape


def test_whole_job(tmp_path: Path) -> None:
    """Every part of a job arrives where it belongs."""
    (tmp_path / "run.sh").touch()
    parsed = read(
        """[
  JobName = "pi";
  Executable = "run.sh";
  Arguments = "-n 10; echo 'a, b' = c";
  InputSandbox = {"run.sh"};
  OutputSandbox = {"std.out", "sub/result.json"};
  StdOutput = "out.txt";
  StdError = "err.txt";
  ExecutionEnvironment = {"B=2", "A=1=1"};
  Priority = 3;
  Owner = "ada"; OwnerGroup = "alpha_user"; VirtualOrganization = "alpha";
]""",
        tmp_path,
    )
    spec = parsed.specs[0]
    assert (spec.name, spec.owner, spec.group, spec.vo, spec.priority) == ("pi", "ada", "alpha_user", "alpha", 3.0)
    assert spec.payload.arguments == "-n 10; echo 'a, b' = c"
    assert (spec.payload.stdout, spec.payload.stderr) == ("out.txt", "err.txt")
    assert spec.payload.output_sandbox == ("std.out", "sub/result.json")
    assert spec.payload.environment == (("A", "1=1"), ("B", "2"))
    assert parsed.input_files == (tmp_path / "run.sh",)
    assert parsed.warnings == ()


def test_smallest_job() -> None:
    """Only an executable is needed; the rest has defaults."""
    spec = read('Executable = "/bin/hostname";').specs[0]
    assert (spec.name, spec.shape, spec.payload.stdout) == ("hostname", Shape(), "std.out")


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ("NumberOfProcessors = 4;", {"min_cores": 4, "max_cores": 4}),
        ("MinNumberOfProcessors = 2; MaxNumberOfProcessors = 8;", {"min_cores": 2, "max_cores": 8}),
        ("MinNumberOfProcessors = 2;", {"min_cores": 2, "max_cores": 1024}),
        ("MinNumberOfProcessors = 1;", {"min_cores": 1, "max_cores": 1}),
        ("MaxNumberOfProcessors = 8;", {"min_cores": 1, "max_cores": 8}),
        ('Tags = {"4Processors", "MultiProcessor"};', {"min_cores": 4, "max_cores": 4}),
        ('Tags = {"WholeNode", "MultiProcessor"};', {"whole_node": True}),
        ('Tags = "GPU";', {"gpus": 1}),
        ('Tags = {"fast", "GPU", "big"};', {"gpus": 1, "tags": ("big", "fast")}),
        ("MinRAM = 2000; MaxRAM = 4000;", {"ram_mb": 2000}),
        ("MaxRAM = 4000;", {"ram_mb": 4000}),
        ('Site = "ANY"; Platform = "ANY";', {}),
        ('Site = {"LCG.B.org", "LCG.A.org"};', {"sites": ("LCG.A.org", "LCG.B.org")}),
        ('BannedSites = "LCG.B.org";', {"banned_sites": ("LCG.B.org",)}),
        ('Platform = "x86_64-el9";', {"platforms": ("x86_64-el9",)}),
        ("CPUTime = 361;", {"cpu_seconds": 1800}),
    ],
)
def test_shapes(lines: str, wanted: dict[str, Any]) -> None:
    """Each way DIRAC has to ask for a machine becomes numbers and lists."""
    assert shape(lines) == Shape(**wanted)


@given(st.integers(1, CPU_SEGMENTS[-1]))
def test_cpu_time_is_rounded_up(seconds: int) -> None:
    """CPU time becomes the least of DIRAC's segments that holds it."""
    assert shape(f"CPUTime = {seconds};").cpu_seconds == min(segment for segment in CPU_SEGMENTS if segment >= seconds)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", "", "nothing in it"),
        ('Executable = "x;\nJobName = "y";', ":1", "quote is opened"),
        ('[\nExecutable = "x";\n', ":1", "do not match"),
        ('Executable = "x";\n]', ":2", "do not match"),
        ('Executable = "x";\nTags = {"a";', ":2", "a { without its }"),
        ('Executable = "x";\nTags = "a"};', ":2", "a } without its {"),
        ('Executable = "x"\nJobName = "y";', ":2", "; is missing after Executable"),
        ('Executable = "x";\nJobName "y";', ":2", "not followed by ="),
        ('Executable = "x";\nJobName = ;', ":2", "no value"),
        ('Executable = "x";\nJobName = "y";\nJobName = "z";', ":3", "set twice"),
        ('Executable = "x";\nTags = {"a" "b"};', ":2", "comma is missing"),
        ('Executable = "x";\nArguments = a b;', ":2", "more than one value"),
        ('# a comment\nExecutable = "x";', ":1", "not an attribute's name"),
        ('Executable = "x";\nSub = [ a = 1; ];', ":2", "inside the job"),
        ('Executable = "x\x00";', ":1", "control character"),
        ("Executable = " + "x" * 200_000, "", "longer than"),
        ('JobName = "x";', "", "Executable is missing"),
        ('Executable = "";', ":1", "Executable is missing"),
    ],
)
def test_syntax(text: str, line: str, words: str) -> None:
    """What is not JDL is refused with its line."""
    with pytest.raises(BadJdl) as caught:
        read(text)
    assert words in caught.value.what
    assert caught.value.where == f"job.jdl{line}"


@pytest.mark.parametrize(
    "line",
    [
        "NumberOfProcessors = 0;",
        "NumberOfProcessors = -1;",
        "NumberOfProcessors = 1025;",
        "NumberOfProcessors = many;",
        "NumberOfProcessors = 2.5;",
        "NumberOfProcessors = 2; MaxNumberOfProcessors = 4;",
        "MinNumberOfProcessors = 4; MaxNumberOfProcessors = 2;",
        'Tags = "4096Processors";',
        "CPUTime = 0;",
        "CPUTime = -5;",
        "CPUTime = 100000000;",
        "MaxRAM = -1;",
        "MaxRAM = 99999999999;",
        "MinRAM = 4000; MaxRAM = 2000;",
        "Priority = 11;",
        "Priority = nan;",
        'Site = "A"; BannedSites = "A";',
        'OutputSandbox = "../x";',
        'OutputSandbox = {"/etc/passwd"};',
        'StdOutput = "../x";',
        'StdError = "a/b";',
        'ExecutionEnvironment = "A";',
        'ExecutionEnvironment = "1A=2";',
        'InputSandbox = "LFN:/alpha/x";',
        'InputSandbox = "x";',
    ],
)
def test_absurd(line: str) -> None:
    """Absurd, contradicting or escaping values are refused with line and attribute."""
    with pytest.raises(BadJdl) as caught:
        read(f'Executable = "x.sh";\n{line}')
    assert caught.value.where == "job.jdl:2"
    assert caught.value.what.split()[0] in line


def test_missing_input_file(tmp_path: Path) -> None:
    """A file of the input sandbox that is not there is named."""
    with pytest.raises(BadJdl, match=r"nowhere\.dat"):
        read('Executable = "x"; InputSandbox = {"nowhere.dat"};', tmp_path)


def test_two_input_files_of_one_name(tmp_path: Path) -> None:
    """Two files that would overwrite each other on the VM are refused."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x").touch()
    with pytest.raises(BadJdl, match="two files named x"):
        read('Executable = "x"; InputSandbox = {"a/x", "b/x"};', tmp_path)


def test_submitter_counts() -> None:
    """Owner, group and VO are the submitter's; a JDL that claims another is refused."""
    text = 'Executable = "x"; VirtualOrganization = "alpha";'
    spec = read(text, owner="ada", group="alpha_user", vo="alpha").specs[0]
    assert (spec.owner, spec.group, spec.vo) == ("ada", "alpha_user", "alpha")
    with pytest.raises(BadJdl, match="says alpha, but it is submitted as beta"):
        read(text, vo="beta")


def test_warnings(tmp_path: Path) -> None:
    """What is ignored is told: unknown attributes with a guess, DIRAC's unused ones, an executable left behind."""
    (tmp_path / "x.sh").touch()
    parsed = read('Executable = "x.sh";\nArgumnets = "1";\nInputData = "LFN:/a";', tmp_path)
    assert parsed.warnings == (
        "job.jdl:2: unknown attribute Argumnets is ignored; did you mean Arguments?",
        "job.jdl:3: InputData is not used by this queue",
        "job.jdl: x.sh lies beside the JDL but is not in its InputSandbox",
    )


def test_parametric_jobs() -> None:
    """A job with parameters becomes one job for each value."""
    parsed = read('Executable = "x"; Arguments = "%s of %n"; JobName = "run-%s"; Parameters = {"a", "b", "c"};')
    assert [spec.name for spec in parsed.specs] == ["run-a", "run-b", "run-c"]
    assert parsed.specs[2].payload.arguments == "c of 2"
    counted = read('Executable = "x"; Arguments = "%s"; Parameters = 3; ParameterStart = 5; ParameterStep = 2;')
    assert [spec.payload.arguments for spec in counted.specs] == ["5", "7", "9"]


@pytest.mark.parametrize(
    "line",
    [
        "Parameters = 0;",
        "Parameters = 1000000;",
        "Parameters = many;",
        "Parameters = {};",
        "Parameters = {1, 2}; Parameters.A = {1};",
        "Parameters = 10000; ParameterFactor = 1000000;",
        'Parameters = 2; Arguments = "a; b";',
    ],
)
def test_bad_parameters(line: str) -> None:
    """Parameters that give no jobs, too many, or unequal lists are refused with their line."""
    with pytest.raises(BadJdl) as caught:
        read(f'Executable = "x.sh";\n{line}')
    assert caught.value.where == "job.jdl:2"


NAMES = st.sampled_from(["Executable", "Arguments", "Tags", "Parameters", "Parameters.A", "CPUTime", "Site", "Odd"])
VALUES = st.sampled_from(
    ['"x"', '"%s"', "{}", '{"a","b"}', "{1,{2,3}}", "3", "-1", '""', "{", '"', "=", '"a;b"', "{,}"]
)
LINES = st.builds("{} = {};\n".format, NAMES, VALUES)


@given(st.one_of(st.text(alphabet='aE="{}[];,\n %s.0-', max_size=60), st.lists(LINES, max_size=5).map("".join)))
def test_anything_is_parsed_or_refused(text: str) -> None:
    """Any text is either jobs or a complaint, never another error."""
    with contextlib.suppress(BadJdl):
        assert all(spec.payload.executable for spec in read(text).specs)


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.jdl")), ids=lambda path: path.stem)
def test_examples(path: Path) -> None:
    """Every example is a job of one of the three VOs, without a warning."""
    parsed = parse(path.read_text(), folder=path.parent, where=path.name)
    assert parsed.warnings == ()
    for spec in parsed.specs:
        assert spec.vo in {"alpha", "beta", "gamma"}
        assert spec.group == f"{spec.vo}_user"
