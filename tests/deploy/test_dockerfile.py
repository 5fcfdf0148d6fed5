"""The image, by the text of its Dockerfile. Building it needs an engine: not tested here."""

from __future__ import annotations

import json
import re
import tomllib

from deploy.tools import DEPLOY, ROOT

from voc_stream.settings import load_settings

TEXT = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
# Lines that go on are put together; comments may stand between them.
LINES = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", TEXT, flags=re.MULTILINE)).splitlines()
INSTRUCTIONS = [tuple(line.split(None, 1)) for line in LINES if line.strip()]
STAGES = [index for index, (name, _) in enumerate(INSTRUCTIONS) if name == "FROM"]
LAST = INSTRUCTIONS[STAGES[-1] :]


def arguments(name: str, instructions: list[tuple[str, ...]] = INSTRUCTIONS) -> list[str]:
    return [words for instruction, words in instructions if instruction == name]


def test_two_stages_of_one_pinned_base() -> None:
    """What builds stays behind.

    The last stage runs nothing, and takes one folder from the first.
    """
    images = [words.split()[0] for words in arguments("FROM")]
    assert len(images) == 2
    assert len(set(images)) == 1
    assert re.fullmatch(r"python:3\.\d+-slim-\w+@sha256:[0-9a-f]{64}", images[0])
    assert arguments("RUN", LAST) == []
    assert arguments("COPY", LAST) == ["--from=build /opt/voc-stream /opt/voc-stream"]


def test_not_root() -> None:
    """The user is a number, so that an orchestrator can see that it is not root."""
    assert arguments("USER", LAST) == ["10001:10001"]
    assert {name for name, _ in LAST} >= {"HEALTHCHECK", "LABEL", "ENTRYPOINT", "EXPOSE"}


def test_everything_comes_from_the_lock_file() -> None:
    """Wheels with hashes; no address of an index, no download, no package of the system."""
    assert arguments("ADD") == []
    assert not re.search(
        r"https?://|--index-url|--extra-index|curl|wget|apt-get|apk ",
        TEXT.replace("http://127.0.0.1", ""),
    )
    installs = [
        command
        for line in arguments("RUN")
        for command in line.split("&&")
        if "pip install" in command
    ]
    assert (
        "--require-hashes --only-binary :all: --requirement requirements/service.txt" in installs[0]
    )
    assert [
        command for command in installs[1:] if "--no-deps --no-build-isolation" not in command
    ] == []


def test_what_is_copied_is_there_and_let_through() -> None:
    """Each source exists, and the list of what Docker may see names it, beginning with nothing."""
    allowed = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    assert next(line for line in allowed if not line.startswith("#") and len(line) == 1) == "*"
    sources = [
        source
        for words in arguments("COPY")
        if "--from" not in words
        for source in words.split()[:-1]
    ]
    assert sources
    for source in sources:
        assert (ROOT / source).exists()
        assert f"!{source}" in allowed


def test_health_is_asked_in_python() -> None:
    """The check is valid, asks the port that is set, and needs no program that the image lacks."""
    (words,) = arguments("HEALTHCHECK")
    command = json.loads(words[words.index("[") :])
    assert command[:2] == ["python", "-c"]
    compile(command[2], "healthcheck", "exec")
    assert "VOC_WEB_PORT" in command[2]


def test_settings_of_the_image_are_known() -> None:
    """Metrics are served to others, on the port that is exposed."""
    (line,) = arguments("ENV", LAST)
    settings = load_settings(dict(word.split("=", 1) for word in line.split()))
    assert settings.web_host == "0.0.0.0"
    assert arguments("EXPOSE") == [str(settings.web_port)]


def test_the_lock_file_is_that_of_the_service() -> None:
    """The image has all that the package needs, in the versions that are tested.

    It lacks the embedded servers.
    """

    def versions(name: str) -> dict[str, str]:
        return dict(
            re.findall(
                r"^([\w-]+)==(\S+)",
                (ROOT / "requirements" / name).read_text(encoding="utf-8"),
                re.MULTILINE,
            )
        )

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    service = versions("service.txt")
    names = {re.split(r"[=<>~ ;]", each)[0] for each in project["dependencies"]}
    embedded = {
        re.split(r"[=<>~ ;]", each)[0] for each in project["optional-dependencies"]["embedded"]
    }
    assert names <= service.keys()
    assert not embedded & service.keys()
    assert service.items() <= versions("test.txt").items()
