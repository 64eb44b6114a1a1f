"""YAML as strict as all its readers together: what they read differently is refused, and nothing gets out of bounds."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading_trees import BLUE, MARK, TREE

from function_app.model.errors import Problem
from function_app.model.names import Place
from function_app.reading.documents import MAX_BYTES, read_document
from function_app.reading.parse import parse_file

FILE = "gitops/tenants/blue.yaml"


def problems_in(text: str | bytes) -> list[Problem]:
    """What is wrong with one document."""
    return list(read_document(FILE, text.encode() if isinstance(text, str) else text).problems)


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "Yes",
        "YES",
        "no",
        "No",
        "on",
        "off",
        "Off",
        "y",
        "Y",
        "n",
        "N",
        "True",
        "TRUE",
        "False",
        "~",
        "Null",
        "NULL",
        "010",
        "0o10",
        "0x1F",
        "0b11",
        "-010",
        "+5",
        "1_000",
        "12:30",
        "190:20:30",
        "1e3",
        "1E+3",
        "1.30",
        ".5",
        "5.",
        ".inf",
        "-.INF",
        ".nan",
        "2027-06-30",
        "2027-6-3",
        "2027-06-30T10:00:00Z",
        "=",
        "12345678901234567890",
    ],
)
def test_what_readers_take_for_different_things_must_be_quoted(text: str) -> None:
    """Terraform and YAML 1.1 and 1.2 readers disagree about these texts, as values and as keys; in quotes they agree."""
    value = problems_in(f"a:\n  b: {text}\n")
    key = problems_in(f"a:\n  {text}: b\n")
    quoted = problems_in(f'a:\n  b: "{text}"\n  "{text}": c\n')

    assert [("quote-it", Place(FILE, 2, 6), "a.b")] == [(each.code, each.place, each.path) for each in value]
    assert "in quotes" in value[0].hint
    assert [("quote-it", Place(FILE, 2, 3))] == [(each.code, each.place) for each in key]
    assert [] == quoted


@pytest.mark.parametrize("text", ["5", "true", "null"])
def test_keys_are_texts(text: str) -> None:
    """A number or choice as a key is another key to each reader."""
    assert [("quote-it", Place(FILE, 1, 1))] == [(each.code, each.place) for each in problems_in(f"{text}: b\n")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("-7", -7),
        ("65515", 65515),
        ("true", True),
        ("false", False),
        ("null", None),
        ("", None),
        ("10.99.0.0/29", "10.99.0.0/29"),
        ("10.0.1.4", "10.0.1.4"),
        ("spoke1-aks", "spoke1-aks"),
        ("https:443", "https:443"),
        ("11111111-2222-3333-4444-555555555555", "11111111-2222-3333-4444-555555555555"),
        ("'010'", "010"),
        ('"no"', "no"),
        ("v1.30.1", "v1.30.1"),
        ("nobody", "nobody"),
        ("250m", "250m"),
        ("|\n    two\n    lines", "two\nlines\n"),
    ],
)
def test_what_all_readers_agree_on_is_read(text: str, expected: object) -> None:
    """Plain texts, decimal numbers, true, false and null need no quotes."""
    document = read_document(FILE, f"a:\n  b: {text}\n".encode())

    assert ((), {"a": {"b": expected}}) == (document.problems, document.root)


@pytest.mark.parametrize(
    ("story", "text", "code", "hint"),
    [
        ("duplicate key", "a: 1\nb: 2\n§a: 3\n", "duplicate-key", "Keep one"),
        ("duplicate key in a flow mapping", "a: {b: 1, §b: 2}\n", "duplicate-key", "Keep one"),
        ("merge key", "a:\n  §<<: {b: 1}\n", "merge-key", "Write the keys out"),
        ("anchor", "a: §&x [1]\n", "yaml-anchor", "Write the value out"),
        ("alias", "a: §*x\n", "yaml-anchor", "Write the value out"),
        ("Python object", "a: §!!python/object:os.system {}\n", "yaml-tag", "Delete the tag"),
        ("own tag", "a: §!secret b\n", "yaml-tag", "Delete the tag"),
        ("string tag", "a: §!!str 5\n", "yaml-tag", "Delete the tag"),
        ("second document", "a: 1\n§---\nb: 2\n", "second-document", "a file of its own"),
        ("directive", "§%YAML 1.1\n---\na: 1\n", "yaml-directive", "Delete"),
        ("list as key", "a:\n  §[b, c]: 1\n", "complex-key", "quotes"),
        ("tab", "a:\n§\tb: 1\n", "yaml-syntax", "spaces"),
        ("colon in a text", "a: b§: c\n", "yaml-syntax", "in quotes"),
        ("bracket left open", "a: [b\n§", "yaml-syntax", "bracket"),
        ("list for a definition", "§- a\n", "not-a-mapping", "apiVersion"),
        ("text for a definition", "§hello\n", "not-a-mapping", "apiVersion"),
        ("nothing", "§", "empty-file", "Write a definition"),
        ("only a comment", "§# nothing\n", "empty-file", "Write a definition"),
        ("zero byte", "a: b§\0c\n", "control-character", "Delete"),
        ("escaped zero byte", 'a: §"b\\0c"\n', "control-character", "Delete"),
        ("half a character", 'a: §"\\uD800"\n', "control-character", "Delete"),
        ("text that turns round", "a: b§\u202ec\n", "control-character", "Delete"),
        ("byte order mark", "§\ufeffa: b\n", "control-character", "byte order mark"),
        ("character that cannot exist", '§a: "\\UFFFFFFFF"\n', "yaml-syntax", "escapes"),
        (
            "pointer to large files",
            "§version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            "lfs-pointer",
            "git lfs untrack",
        ),
    ],
)
def test_what_only_yaml_experts_mean_is_refused(story: str, text: str, code: str, hint: str) -> None:
    """Whatever changes the meaning of a file, or cannot be read at all, is told at its place."""
    before = text[: text.index(MARK)]
    place = Place(FILE, before.count("\n") + 1, len(before) - before.rfind("\n"))

    problems = problems_in(text.replace(MARK, ""))

    assert [(code, place)] == [(each.code, each.place) for each in problems], story
    assert hint in problems[0].hint


def test_a_second_key_names_the_place_of_the_first() -> None:
    """Both places of a duplicate key are told."""
    assert "gitops/tenants/blue.yaml:1:1" in problems_in("a: 1\nb: 2\na: 3\n")[0].message


def test_bytes_that_are_no_text_are_told_where_they_begin() -> None:
    """A file in another encoding is refused at its first foreign byte."""
    problem = problems_in(b"a: b\nc: \xe4\n")[0]

    assert ("not-utf-8", Place(FILE, 2, 4)) == (problem.code, problem.place)


@pytest.mark.parametrize(
    ("story", "text", "code"),
    [
        ("50 MB", b"#" * (50 * 1024 * 1024), "file-too-large"),
        ("one byte too many", b"a: " + b"b" * (MAX_BYTES - 2), "file-too-large"),
        ("deep nesting", b"a: " + b"[" * 100_000, "too-deep"),
        ("deep block nesting", b"".join(b" " * i + b"a:\n" for i in range(200)), "too-deep"),
        ("many values", b"a: [" + b"b," * 60_000 + b"b]", "too-many-values"),
        ("many mistakes", b"a: [" + b"no," * 5_000 + b"no]", "too-many-values"),
        ("alias bomb", b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n", "yaml-anchor"),
    ],
)
def test_size_count_depth_and_aliases_are_bounded(story: str, text: bytes, code: str) -> None:
    """A file that would fill the memory is refused, and named."""
    problems = problems_in(text)

    assert (code, FILE) == (problems[-1].code, problems[-1].place.file), story
    assert len(problems) <= 102


def test_a_message_never_repeats_a_whole_input() -> None:
    """Long values are cut, so that no whole body reaches a log."""
    long = "A" * 5_000
    text = (
        BLUE.replace("[shop]", f"[{long}]")
        .replace("www.example.com", f"{long}.com")
        .replace("{name: blue}", f"{{name: {long}}}")
    )

    problems = parse_file("tenants/blue.yaml", text.encode()).problems

    assert len(problems) >= 2
    assert [] == [problem for problem in problems if "A" * 61 in problem.message + problem.hint]


@pytest.mark.parametrize("text", list(TREE.values()))
def test_line_ends_of_windows_change_no_place(text: str) -> None:
    """A file with CRLF line ends reads as the same file."""
    unix, windows = read_document(FILE, text.encode()), read_document(FILE, text.replace("\n", "\r\n").encode())

    assert (unix.root, unix.places) == (windows.root, windows.places)


def judged(path: str, content: bytes) -> None:
    """A file gives a definition, or an error that says why not."""
    file = parse_file(path, content)
    errors = [problem for problem in file.problems if problem.severity == "error"]

    assert (file.definition is None) == bool(errors)
    assert all(
        problem.place.file == f"gitops/{path}" and problem.files[0] == problem.place.file for problem in file.problems
    )
    assert all(problem.place.line >= 1 and problem.place.column >= 1 for problem in file.problems)


PATHS = st.sampled_from([*TREE, "elsewhere/x.yaml"])
FRAGMENTS = st.sampled_from(
    [
        "a: 1\n",
        "\t",
        "- ",
        "[",
        "]",
        "{",
        "}",
        "&x ",
        "*x",
        "!!python/object:x ",
        "'",
        '"',
        "\\",
        "\n",
        "  ",
        ": ",
        "? ",
        "| ",
        "%YAML 9.9\n",
        "---\n",
        "...\n",
        "#",
        "null",
        "0x1",
        "\0",
        "\ud7ff",
        "\u2028",
        "spec:",
        "fqdns: [",
        "10.99.0.0/29",
        "\\UFFFFFFFF",
        "<<: ",
    ]
)


@settings(max_examples=150)
@given(PATHS, st.binary(max_size=300) | st.lists(FRAGMENTS, max_size=25).map(lambda parts: "".join(parts).encode()))
def test_whatever_bytes_come_in_the_answer_is_a_definition_or_problems(path: str, content: bytes) -> None:
    """Reading never raises."""
    judged(path, content)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["", "*", "10.0.0.0/8", "no", "a" * 300, "\u00fc", "-1", "1-2", "[", "http:0"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "x", "cidr", ""]), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=200)
@given(st.data())
def test_a_definition_with_any_value_replaced_is_judged_as_well(data: st.DataObject) -> None:
    """A valid file in which one line's value is anything at all still gives a definition or problems."""
    path = data.draw(st.sampled_from(list(TREE)))
    lines = TREE[path].splitlines()
    index = data.draw(st.integers(0, len(lines) - 1))
    head, colon, _ = lines[index].partition(":")
    lines[index] = head + colon + " " + json.dumps(data.draw(VALUES))

    judged(path, "\n".join(lines).encode())
