# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""registry.yml against a real registry: what the nodes run comes from there, and whatever hinders that is explained."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from testing import lab, runs, seed

sys.path.insert(0, str(Path(__file__).parent))
import harbor
from harbor import NAMES, PASSWORD, REGISTRY, on_registry

CERTS = f"/etc/containerd/certs.d/{REGISTRY}"
WRONG = "a-password-of-nobody"


def test_the_demo_has_taken_its_images_from_the_registry_and_every_node_can_tell():
    mirrored = harbor.digests()
    assert {image.rpartition("/")[2].partition(":")[0] for image in mirrored} == set(NAMES)
    assert running() == dict.fromkeys(seed.NODES, mirrored)
    kept = lab.kubectl("-n", "kube-system", "get", "configmap", "switchyard-cni-images", "-o", "json")
    assert json.loads(json.loads(kept)["data"]["images.json"]) == mirrored


def running() -> dict[str, dict[str, str]]:
    """The digests of the agents' images, by node and image, as the kubelets tell them."""
    found: dict[str, dict[str, str]] = {}
    for pod in json.loads(lab.kubectl("-n", "kube-flannel", "get", "pods", "-o", "json"))["items"]:
        status = pod["status"]
        for one in [*status["initContainerStatuses"], *status["containerStatuses"]]:
            found.setdefault(pod["spec"]["nodeName"], {})[one["image"]] = one["imageID"].rpartition("@")[2]
    return found


def test_a_second_run_changes_nothing_and_no_runtime_is_restarted():
    before = runtimes()
    done = runs.play("registry.yml").must_change_nothing()
    assert done.output.count("there already, sha256:") == len(NAMES)
    assert f"3 nodes have pulled 2 images from {REGISTRY}." in done.words
    assert runtimes() == before
    assert left_pods() == ""


def runtimes() -> dict[str, str]:
    """When each node's containerd has been started."""
    return {
        name: lab.on_node(name, "systemctl", "show", "--property=ActiveEnterTimestampMonotonic,MainPID", "containerd")
        for name in seed.NODES
    }


def left_pods() -> str:
    return lab.kubectl("-n", "kube-system", "get", "pods", "-l", "app.kubernetes.io/name=switchyard-pull", "-o", "name")


def test_check_mode_shows_what_would_be_done_and_does_nothing():
    runs.play("registry.yml", registry_state="absent").must_succeed()
    before = trust()
    assert before == dict.fromkeys(seed.NODES, "")
    done = runs.play("registry.yml", "--check", "--diff").must_succeed()
    assert all(done.changed[name] == 1 for name in seed.NODES)
    assert "hosts.toml" in done.output
    assert PASSWORD not in done.output
    assert trust() == before


def test_forgotten_it_comes_back_and_no_containerd_is_restarted_for_it():
    before = runtimes()
    runs.play("registry.yml").must_succeed()
    assert all("hosts.toml" in told for told in trust().values())
    assert runtimes() == before
    runs.play("registry.yml").must_change_nothing()


def trust() -> dict[str, str]:
    """The registry's files on each node."""
    return {name: lab.on_node(name, "sh", "-c", f"ls -R {CERTS} 2>/dev/null || true").strip() for name in seed.NODES}


# ---- containerd


def test_a_containerd_without_config_path_gets_it_is_restarted_once_and_no_pod_notices(pods):
    node, config = "k8s-node1", "/run/lab/containerd.toml"
    lab.on_node(node, "sed", "-i", "/^config_path/d", config)
    lab.on_node(node, "systemctl", "restart", "containerd")
    lab.eventually(lambda: lab.is_ready(node), 60, "the node is ready")
    before, restarts = runtimes(), restart_counts()
    runs.play("registry.yml").must_succeed()
    after = runtimes()
    assert {name for name in after if after[name] != before[name]} == {node}
    assert "config_path" in lab.on_node(node, "cat", config)
    assert restart_counts() == restarts
    assert lab.running_pods() == pods
    runs.play("registry.yml").must_change_nothing()


def restart_counts() -> dict[str, int]:
    """How often the containers of each pod were restarted."""
    pods = json.loads(lab.kubectl("get", "pods", "--all-namespaces", "-o", "json"))["items"]
    return {
        pod["metadata"]["name"]: sum(one["restartCount"] for one in pod["status"].get("containerStatuses", []))
        for pod in pods
    }


@pytest.mark.slow
def test_the_system_store_trusts_it_on_request_and_no_longer(pods):
    node = "k8s-node2"
    assert "CERTIFICATE_VERIFY_FAILED" in asked_by_python(node)
    runs.play("registry.yml", network_registry_system_trust="true").must_succeed()
    assert "401" in asked_by_python(node)
    runs.play("registry.yml", network_registry_system_trust="true").must_change_nothing()
    runs.play("registry.yml").must_succeed()
    assert "CERTIFICATE_VERIFY_FAILED" in asked_by_python(node)


def asked_by_python(node: str) -> str:
    """What a program that knows nothing of runtimes is told."""
    lines = f"import urllib.request\ntry:\n    urllib.request.urlopen('https://{REGISTRY}/v2/')\n"
    return lab.on_node(node, "python3", "-c", lines + "except OSError as error:\n    print(error)\n")


# ---- what is wrong is said before anything has changed


@contextmanager
def nothing_changed() -> Iterator[None]:
    before = runs.state_of(), trust(), lab.kubectl("-n", "kube-system", "get", "secrets,configmaps", "-o", "name")
    yield
    assert (runs.state_of(), trust(), lab.kubectl("-n", "kube-system", "get", "secrets,configmaps", "-o", "name")) == (
        before
    )


def must_be_refused(words: str, **settings: str) -> runs.Run:
    """The run fails with these words, and has changed nothing."""
    with nothing_changed():
        done = runs.play("registry.yml", **settings)
    assert done.status != 0
    assert words in done.words, done.output
    assert PASSWORD not in done.output
    return done


def test_another_authority_is_refused_with_the_name_of_its_file(tmp_path):
    path = harbor.written(tmp_path, harbor.signed("somebody"))
    must_be_refused(
        f"network_registry_ca_file = {path}: has not signed the certificate of {REGISTRY}",
        network_registry_ca_file=path,
    )


def test_without_an_authority_the_variable_is_named():
    must_be_refused("Set network_registry_ca_file to the certificate", network_registry_ca_file="")


def test_a_certificate_that_is_no_authority_is_refused(tmp_path):
    path = harbor.written(tmp_path, harbor.signed("harbor", harbor.lab_authority(), [harbor.ADDRESS]))
    must_be_refused("is no certificate authority", network_registry_ca_file=path)


def test_an_expired_certificate_and_another_name_are_told_apart():
    authority = harbor.lab_authority()
    with harbor.serving(harbor.signed("registry", authority, [harbor.ADDRESS], days=-9)):
        must_be_refused(f"network_registry = {REGISTRY}: its certificate has expired")
    with harbor.serving(harbor.signed("registry", authority, ["192.168.7.104"])):
        must_be_refused(f"network_registry = {REGISTRY}: its certificate is for another name")


def test_a_wrong_password_is_explained_and_shown_to_nobody():
    done = must_be_refused("it does not take these credentials", network_registry_password=WRONG)
    assert WRONG not in done.output


def test_a_registry_that_is_down_and_one_without_a_name_are_told_apart():
    on_registry("systemctl", "stop", "docker-registry")
    try:
        must_be_refused("nobody listens there")
    finally:
        harbor.start()
    must_be_refused("its name is not resolved", network_registry="registry.invalid/baseimages")


def test_an_image_that_nobody_has_is_named_with_the_way_to_get_it():
    done = runs.play("registry.yml", flannel_version="v0.0.1")
    assert done.status != 0
    assert "1 of 2 images could not be copied, 1 are there" in done.words
    assert "ghcr.io/flannel-io/flannel:v0.0.1: the folder" in done.words


# ---- before a deployment every node pulls


def test_an_image_that_is_not_in_the_registry_stops_a_deployment_before_it_touches_anything(pods):
    before = runs.state_of()
    done = runs.play("06.network.yml", flannel_version="v0.0.1")
    assert done.status != 0
    assert f"{REGISTRY}/baseimages/flannel:v0.0.1 on k8s-master1, k8s-node1, k8s-node2: it has no such image" in (
        done.words
    )
    assert runs.state_of() == before
    assert (lab.running_pods(), left_pods()) == (pods, "")


def test_a_node_that_does_not_trust_the_registry_is_the_one_that_is_named():
    other = harbor.signed("somebody").pem
    lab.on_node("k8s-node2", "sh", "-c", f"cat > {CERTS}/ca.crt <<'EOT'\n{other}EOT")
    done = runs.play("06.network.yml", flannel_version="v0.0.1")
    assert "flannel:v0.0.1 on k8s-node2: the authority that signed its certificate is not trusted" in done.words
    assert "flannel:v0.0.1 on k8s-master1, k8s-node1: it has no such image" in done.words
    done = runs.play("registry.yml").must_succeed()
    assert done.changed["k8s-node2"] == 1


def test_wrong_credentials_are_found_on_the_nodes():
    done = runs.play("06.network.yml", flannel_version="v0.0.1", network_registry_password=WRONG)
    assert "flannel:v0.0.1 on k8s-master1, k8s-node1, k8s-node2: it does not take these credentials" in done.words
    assert WRONG not in done.output
    runs.play("06.network.yml").must_succeed()


# ---- mirroring


def test_a_registry_that_goes_down_half_way_gets_the_rest_in_the_next_run():
    before = harbor.digests()
    harbor.forget_images()
    failed = runs.meanwhile(
        "registry.yml", "[1/2]", lambda: on_registry("systemctl", "stop", "docker-registry"), network_registry_jobs="1"
    )
    harbor.start()
    assert failed.status != 0
    assert "1 of 2 images could not be copied, 1 are there. Run it again for the rest" in failed.words
    done = runs.play("registry.yml").must_succeed()
    assert (done.output.count("there already"), done.output.count("copied in")) == (1, 1)
    assert harbor.digests() == before
    runs.play("registry.yml").must_change_nothing()


def test_a_folder_carries_the_images_over_an_air_gap_with_the_same_digests(tmp_path):
    """Upstream is a name that skopeo is told to find in this very registry: there is no other one here."""
    before, folder = harbor.digests(), tmp_path / "carried"
    upstream_here(tmp_path)
    home = {**runs.environment(), "HOME": str(tmp_path)}
    words = runs.command("registry_archive.yml", network_registry_archive=str(folder))
    for copied in (len(NAMES), 0):
        done = subprocess.run(words, cwd=runs.ROOT, env=home, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count("copied in") == copied
    harbor.forget_images()
    done = runs.play("registry.yml", network_registry_archive=str(folder)).must_succeed()
    assert done.output.count("copied in") == len(NAMES)
    assert harbor.digests() == {image: before[image] for image in before}
    runs.play("registry.yml", network_registry_archive=str(folder)).must_change_nothing()


def upstream_here(home: Path) -> None:
    """Have skopeo look for upstream's images in the lab's registry, with its trust and its credentials."""
    trusted = home / ".config/containers/certs.d" / REGISTRY
    trusted.mkdir(parents=True)
    (home / ".config/containers/registries.conf").write_text(
        f'[[registry]]\nprefix = "ghcr.io/flannel-io"\nlocation = "{REGISTRY}/baseimages"\n'
    )
    (trusted / "ca.crt").write_text((harbor.PKI / "registry-ca.crt").read_text())
    (home / ".docker").mkdir()
    pair = harbor.base64.b64encode(f"{harbor.USER}:{PASSWORD}".encode()).decode()
    (home / ".docker/config.json").write_text(json.dumps({"auths": {REGISTRY: {"auth": pair}}}))


COPY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - switchyard.cni.registry_mirror:
        images: [{source: "{{ lab_registry_host }}/many/tool:v1", target: "{{ lab_registry_host }}/mine/tool:v1"}]
        registry: "{{ lab_registry_host }}"
        authority: "{{ lookup('ansible.builtin.file', network_registry_ca_file) }}"
        username: "{{ network_registry_username }}"
        password: "{{ network_registry_password }}"
        architectures: "{{ architectures }}"
"""


def test_of_an_image_for_many_architectures_one_is_copied_or_all_of_them(tmp_path):
    """Two images stand for those of two architectures, pushed with skopeo and put into one list."""
    book = written(tmp_path, COPY)
    archive = runs.ROOT / ".lab/images/flannel.tar"
    for architecture, image in (("amd64", "lab/flannel-cni-plugin:v0.9.1"), ("arm64", "lab/flannel:v0.28.10")):
        push(tmp_path, f"docker-archive:{archive}:{image}", f"docker://{REGISTRY}/many/tool:{architecture}")
    whole = harbor.make_list("many/tool", "v1", {"amd64": "amd64", "arm64": "arm64"})
    single = harbor.ask("many/tool/manifests/arm64")[1]
    for architectures, digest in (("[arm64]", single), ("[amd64, arm64]", whole), ("[]", whole)):
        told = playing(book, architectures=architectures)
        assert "copied in" in told or architectures == "[]"
        assert harbor.ask("mine/tool/manifests/v1")[1] == digest
        assert "there already" in playing(book, architectures=architectures)
    assert harbor.ask(f"mine/tool/manifests/{single}")[1] == single


def push(home: Path, source: str, target: str) -> None:
    """By hand, as an operator would."""
    (home / "ca.crt").write_text((harbor.PKI / "registry-ca.crt").read_text())
    pair = harbor.base64.b64encode(f"{harbor.USER}:{PASSWORD}".encode()).decode()
    (home / "auth.json").write_text(json.dumps({"auths": {REGISTRY: {"auth": pair}}}))
    words = [
        "skopeo",
        "--insecure-policy",
        "copy",
        "--quiet",
        f"--dest-cert-dir={home}",
        f"--authfile={home}/auth.json",
    ]
    subprocess.run([*words, source, target], check=True, capture_output=True, timeout=60)


# ---- a new authority


@pytest.mark.slow
def test_an_authority_takes_the_place_of_another_and_no_pull_fails_meanwhile(tmp_path):
    old, new = harbor.lab_authority(), harbor.signed("the next authority")
    before = runtimes()
    both = harbor.written(tmp_path, old, new)
    runs.play("registry.yml", network_registry_ca_file=both).must_succeed()
    with harbor.serving(harbor.signed("registry", new, [harbor.ADDRESS])):
        runs.play("registry.yml", network_registry_ca_file=both).must_change_nothing()
        (tmp_path / "next").mkdir()
        alone = harbor.written(tmp_path / "next", new)
        runs.play("registry.yml", network_registry_ca_file=alone).must_succeed()
        runs.play("registry.yml", network_registry_ca_file=alone).must_change_nothing()
        runs.play("registry.yml", network_registry_ca_file=both).must_succeed()
    runs.play("registry.yml").must_succeed()
    assert runtimes() == before


# ---- other runtimes


TRUST = """
- hosts: k8s-harbor1
  gather_facts: false
  tasks:
    - switchyard.cni.node_registry:
        registry: "{{ lab_registry_host }}"
        authority: "{{ lookup('ansible.builtin.file', network_registry_ca_file) }}"
        state: "{{ state }}"
      register: trusted
"""


def test_a_real_docker_trusts_it_without_a_restart(tmp_path):
    book = written(tmp_path, TRUST)
    image = next(image for image in harbor.digests() if image.rpartition("/")[2].startswith("flannel:"))
    credentials = {"auths": {REGISTRY: {"auth": harbor.base64.b64encode(f"lab:{PASSWORD}".encode()).decode()}}}
    (harbor.FILES / "docker").mkdir(exist_ok=True)
    (harbor.FILES / "docker/config.json").write_text(json.dumps(credentials))
    pull = f"docker --config /etc/k8s/docker pull {image} 2>&1; true"
    started = on_registry("systemctl", "show", "--property=MainPID", "docker", "containerd")
    assert "certificate signed by unknown authority" in on_registry("sh", "-c", pull)
    playing(book, state="present")
    assert "Downloaded newer image" in on_registry("sh", "-c", pull)
    assert harbor.digests()[image] in on_registry("docker", "image", "inspect", image)
    assert on_registry("systemctl", "show", "--property=MainPID", "docker", "containerd") == started
    assert "changed=0" in playing(book, state="present")
    on_registry("docker", "image", "rm", image)
    playing(book, state="absent")
    assert "certificate signed by unknown authority" in on_registry("sh", "-c", pull)
    assert on_registry("sh", "-c", "ls /etc/docker/certs.d 2>/dev/null || true").strip() == ""


def written(folder: Path, text: str) -> Path:
    """A playbook of the test's own."""
    book = folder / "book.yml"
    book.write_text(text)
    return book


def playing(book: Path, **settings: str) -> str:
    """Run it on the lab's inventory; its output."""
    inventory = f"--inventory={runs.ROOT}/inventories/lab"
    words = [runs.PLAYBOOK, str(book), inventory]
    words += [word for name, value in settings.items() for word in ("--extra-vars", f"{{{name}: {value}}}")]
    done = subprocess.run(
        words, cwd=runs.ROOT, env=runs.environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# ---- credentials


def test_a_password_is_in_no_output_no_report_no_diff_and_on_no_command_line(tmp_path):
    lines: set[str] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    lines.add(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
                except OSError:
                    continue

    thread = threading.Thread(target=watch)
    thread.start()
    secrets = {"network_registry_node_credentials": "true"}
    try:
        harbor.forget_images()
        told = [
            runs.play("registry.yml", "--diff", "-vvv", **secrets).must_succeed().output,
            runs.play("06.network.yml", "--diff", "-vvv", **secrets).must_succeed().output,
            runs.play("verify.yml", "-vvv", verify_report_dir=str(tmp_path)).must_succeed().output,
        ]
    finally:
        ended.set()
        thread.join()
    encoded = harbor.base64.b64encode(f"{harbor.USER}:{PASSWORD}".encode()).decode()
    told += [path.read_text() for path in tmp_path.iterdir()]
    # The nodes are containers of this machine: their processes are here, too.
    assert any("kubelet" in line for line in lines)
    assert any("skopeo" in line for line in lines)
    for text in [*told, *lines]:
        assert PASSWORD not in text
        assert encoded not in text
        assert harbor.base64.b64encode(PASSWORD.encode()).decode().rstrip("=") not in text
    assert encoded in lab.on_node("k8s-node1", "cat", "/var/lib/kubelet/config.json")
    runs.play("registry.yml", registry_state="absent").must_succeed()
    assert "none" in lab.on_node("k8s-node1", "sh", "-c", "cat /var/lib/kubelet/config.json 2>/dev/null || echo none")
    assert "switchyard" not in lab.kubectl("get", "secrets", "--all-namespaces", "-o", "name")
    runs.play("registry.yml").must_succeed()
    runs.play("06.network.yml").must_succeed()


def test_a_moved_tag_is_found_by_verify(tmp_path):
    image = next(image for image in harbor.digests() if image.rpartition("/")[2].startswith("flannel:"))
    name = "switchyard-cni-images"
    kept = json.loads(lab.kubectl("-n", "kube-system", "get", "configmap", name, "-o", "json"))
    told = {**json.loads(kept["data"]["images.json"]), image: "sha256:" + "0" * 64}
    patch = json.dumps({"data": {"images.json": json.dumps(told)}})
    lab.kubectl("-n", "kube-system", "patch", "configmap", name, "--type=merge", "-p", patch)
    done = runs.play("verify.yml", verify_report_dir=str(tmp_path), verify_probe="none")
    result = json.loads((tmp_path / "verification.json").read_text())
    assert [one["id"] for one in result["findings"]] == ["image-digest-differs"]
    assert done.status == 0
    runs.play("registry.yml").must_succeed()
    assert "image-digest-differs" not in runs.play("verify.yml", verify_probe="none").must_succeed().output
