"""Compose: checked by `docker compose` where it is installed, by its structure everywhere.

To start it takes an engine: not tested here.
"""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import yaml
from deploy.alerting import load
from deploy.tools import DEPLOY, run, tool

from voc_stream.cli import COMMANDS
from voc_stream.kafka.worker.run import STOP_DEADLINE_SECONDS
from voc_stream.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

FILE = DEPLOY / "compose.yaml"
TEXT = FILE.read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
# It ends by itself; and images with nothing to ask with, which Prometheus asks all the time.
WITHOUT_HEALTH = {"init", "kafka-exporter", "postgres-exporter"}
VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


def filled(text: str) -> str:
    """The text with the default of each variable."""
    return VARIABLE.sub(r"\2", text)


def test_docker_accepts_the_file(tmp_path: Path) -> None:
    """`docker compose config` finds nothing wrong with the file.

    It needs no engine, but the secrets and settings that the head of the file names.
    """
    docker = tool("docker", "whether Compose itself accepts the file")
    if (
        subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode
        != 0
    ):
        pytest.skip(
            "docker has no plugin `compose`: whether Compose itself accepts the file; its structure"
            " is checked all the same"
        )
    run(["sh", DEPLOY / "make-secrets", tmp_path])
    command: list[str | Path] = [
        docker,
        "compose",
        "--file",
        FILE,
        "--env-file",
        DEPLOY / ".env.example",
    ]
    command += ["config", "--quiet"]
    run(
        command,
        env={
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": str(tmp_path),
            "VOC_SECRETS": str(tmp_path),
        },
    )


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_do_little_harm(name: str) -> None:
    """Services run without rights that they do not need, and within bounds.

    A read-only file system, no capabilities, no way to more rights; bounded memory, processors,
    processes and logs.
    """
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory", "pids"}
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert service["restart"] in {"unless-stopped", "on-failure:10"}
    assert ("test" in service.get("healthcheck", {})) or name in WITHOUT_HEALTH | {"worker"}


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_is_named_by_its_digest(name: str) -> None:
    """Of others' software exactly what was looked at, never what is newest on the day.

    Ours is built here.
    """
    image = filled(SERVICES[name]["image"])
    if "build" in SERVICES[name]:
        assert (
            DEPLOY / SERVICES[name]["build"]["context"] / SERVICES[name]["build"]["dockerfile"]
        ).is_file()
    else:
        assert re.fullmatch(r"[a-z./-]+:(v?\d+(\.\d+)+|latest)@sha256:[0-9a-f]{64}", image)


def test_ports_are_open_to_this_machine_only() -> None:
    """Nothing listens on an address that others reach unless the operator says so."""
    ports = [filled(port) for service in SERVICES.values() for port in service.get("ports", ())]
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []
    assert len({port.split(":")[1] for port in ports}) == len(ports)


def test_there_may_be_several_workers() -> None:
    """Nothing of a worker exists only once: no port of the host, no name, no volume."""
    assert not {"ports", "container_name", "hostname", "volumes"} & SERVICES["worker"].keys()


def test_a_worker_has_the_time_that_it_needs() -> None:
    """It is killed later than it would end by itself, and started again whatever its code."""
    assert float(SERVICES["worker"]["stop_grace_period"].removesuffix("s")) > STOP_DEADLINE_SECONDS
    assert SERVICES["worker"]["restart"] == "unless-stopped"
    assert SERVICES["worker"]["depends_on"] == {
        "init": {"condition": "service_completed_successfully"}
    }


def test_commands_exist() -> None:
    """Services of our image run commands of `voc-stream`, or a program that is mounted."""
    ours = {name: service for name, service in SERVICES.items() if "build" in service}
    assert {
        service["command"][0] for service in ours.values() if "entrypoint" not in service
    } <= COMMANDS.keys()
    assert [service["entrypoint"][-1] for service in ours.values() if "entrypoint" in service] == [
        "/etc/alertmanager/receiver.py"
    ]
    assert "profiles" not in str(SERVICES)


def test_alerts_reach_somebody_who_is_there() -> None:
    """Every receiver of Alertmanager is a service of the file, with the token that both read."""
    alertmanager = load(DEPLOY / "alertmanager/alertmanager.yaml")
    hooks = [hook for receiver in alertmanager["receivers"] for hook in receiver["webhook_configs"]]
    assert {urlsplit(hook["url"]).hostname for hook in hooks} <= SERVICES.keys()
    files = {hook["http_config"]["authorization"]["credentials_file"] for hook in hooks}
    assert files == {"/run/secrets/webhook_token"}
    for name in ("alertmanager", "alert-receiver"):
        assert "webhook_token" in SERVICES[name]["secrets"]
    assert SERVICES["alert-receiver"]["environment"]["WEBHOOK_TOKEN_FILE"] in files


def test_prometheus_asks_services_that_are_there() -> None:
    """Workers, Kafka, PostgreSQL, Alertmanager and itself.

    Each host that is scraped is a service of the file.
    """
    jobs = load(DEPLOY / "prometheus/prometheus.yaml")["scrape_configs"]
    assert [job["job_name"] for job in jobs] == [
        "voc-worker",
        "kafka",
        "postgres",
        "alertmanager",
        "prometheus",
    ]
    hosts = {
        target.partition(":")[0]
        for job in jobs
        for each in job.get("static_configs", ())
        for target in each["targets"]
    }
    assert hosts - {"127.0.0.1"} <= SERVICES.keys()
    assert {
        name for job in jobs for each in job.get("dns_sd_configs", ()) for name in each["names"]
    } == {"worker"}


@pytest.mark.parametrize(("service", "role"), [("init", "voc_owner"), ("worker", "voc_writer")])
def test_settings_and_secrets_fit_together(tmp_path: Path, service: str, role: str) -> None:
    """Settings are known to the program, and each service gets the rights that it needs.

    It gets no others.
    """
    run(["sh", DEPLOY / "make-secrets", tmp_path])
    environment = {
        name: filled(str(value)) for name, value in SERVICES[service]["environment"].items()
    }
    (secret,) = SERVICES[service]["secrets"]
    assert environment["VOC_CONFIG"] == f"/run/secrets/{secret}"
    source = tmp_path / COMPOSE["secrets"][secret]["file"].rpartition("/")[2]
    password = (tmp_path / f"{role.removeprefix('voc_')}_password").read_text(encoding="utf-8")
    settings = load_settings(environment | {"VOC_CONFIG": str(source)})
    assert settings.require_database_url() == f"postgresql://{role}:{password}@postgres:5432/voc"
    assert len(password) == 48


def test_secrets_are_files_only() -> None:
    """No password stands in the file or comes from the environment.

    Every secret that a service names is one that is made.
    """
    names = [name for service in SERVICES.values() for name in service.get("environment", {})]
    assert [
        name
        for name in names
        if re.search("PASSWORD|SECRET|TOKEN|DATABASE_URL", name) and not name.endswith("_FILE")
    ] == []
    assert "postgresql://" not in TEXT
    named = {secret for service in SERVICES.values() for secret in service.get("secrets", ())}
    assert named == COMPOSE["secrets"].keys()


def test_secrets_are_made_once(tmp_path: Path) -> None:
    """Every file that Compose mounts is made, and kept when it is made again.

    It is readable inside the containers and closed on this machine.
    """
    folder = tmp_path / "secrets"
    run(["sh", DEPLOY / "make-secrets", folder])
    before = {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()}
    assert before.keys() == {
        secret["file"].rpartition("/")[2] for secret in COMPOSE["secrets"].values()
    }
    assert len(set(before.values())) == len(before)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o444}
    run(["sh", DEPLOY / "make-secrets", folder])
    assert {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()} == before


def test_every_variable_is_explained() -> None:
    """The example names each variable of the file, with the default that the file has."""
    example = dict(
        line.split("=", 1)
        for line in (DEPLOY / ".env.example").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    )
    used = dict(VARIABLE.findall(TEXT))
    del used["KAFKA_CLUSTER_ID"]  # only for a second cluster beside this one
    assert example == used


def test_configuration_that_is_mounted_is_there() -> None:
    """A folder that is missing would be made by Docker, empty and as root."""
    mounted = [
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", ())
        if volume.startswith("./")
    ]
    assert mounted
    assert [path for path in mounted if not (DEPLOY / path).exists()] == []


def test_prometheus_and_alertmanager_read_what_is_mounted() -> None:
    """Their configuration is that of deploy/prometheus and deploy/alertmanager."""
    for name in ("prometheus", "alertmanager"):
        assert f"./{name}:/etc/{name}:ro" in SERVICES[name]["volumes"]
        assert f"--config.file=/etc/{name}/{name}.yaml" in SERVICES[name]["command"]
