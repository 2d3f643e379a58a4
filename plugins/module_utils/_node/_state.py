# Copyright (c) 2026, The switchyard.cni developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bringing one node to a declared state: observe, plan (pure), apply. Only apply writes."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Sequence, Set, Tuple

from ansible_collections.switchyard.cni.plugins.module_utils._node import _cni, _kernel
from ansible_collections.switchyard.cni.plugins.module_utils._node._errors import NodeError, PlanError
from ansible_collections.switchyard.cni.plugins.module_utils._node._ports import NodeReader, NodeWriter
from ansible_collections.switchyard.cni.plugins.module_utils._node._steps import (
    Command,
    CopyPlugin,
    LoadModule,
    Remove,
    Rename,
    SetSysctl,
    Step,
    Systemctl,
    WriteFile,
    absent_sysctl,
)

SERVICE_TIMEOUT = 120.0

# systemd.unit(5), "Unit File Load Path", without the generators' directories.
_UNIT_DIRECTORIES = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
_NETWORK_MANAGER_DIRECTORIES = ("/etc/NetworkManager", "/run/NetworkManager/conf.d", "/usr/lib/NetworkManager/conf.d")
_UNIT_PROPERTIES = (
    "LoadState",
    "ActiveState",
    "UnitFileState",
    "NeedDaemonReload",
    "ActiveEnterTimestampMonotonic",
    "StateChangeTimestampMonotonic",
)
_RUNNING = frozenset(("active", "reloading", "refreshing"))
# systemctl(1), is-enabled: a unit in one of these needs or takes no enabling.
_ENABLED = frozenset(("enabled", "enabled-runtime", "static", "alias", "indirect", "generated", "linked"))


@dataclass(frozen=True)
class WantedFile:
    """A file's whole content and permission bits."""

    path: str
    content: bytes
    mode: int
    sensitive: bool = False


@dataclass(frozen=True)
class WantedService:
    """A unit. on_change_of: the files whose change asks for a restart or reload; None means every file of the call."""

    name: str
    enabled: Optional[bool]
    state: Optional[str]
    on_change_of: Optional[Tuple[str, ...]]


@dataclass(frozen=True)
class Wanted:
    """The declared state of a node."""

    files: Tuple[WantedFile, ...] = ()
    absent: Tuple[str, ...] = ()
    renames: Tuple[Tuple[str, str], ...] = ()
    modules: Tuple[str, ...] = ()
    sysctls: Tuple[Tuple[str, str], ...] = ()
    plugin_dir: str = _cni.BIN_DIR
    plugins: Tuple[str, ...] = ()
    plugin_search: Tuple[str, ...] = _cni.SEARCH_DIRS
    services: Tuple[WantedService, ...] = ()
    service_timeout: float = SERVICE_TIMEOUT


@dataclass(frozen=True)
class FileNow:
    """What is at a path: kind is None when nothing is; empty tells whether a directory is; mtime in epoch seconds."""

    kind: Optional[str] = None
    content: Optional[bytes] = None
    mode: int = 0
    mtime: float = 0.0
    empty: bool = True


@dataclass(frozen=True)
class ServiceNow:
    """A unit as systemd knows it. Times are seconds since the epoch on today's clock, 0 for never."""

    load: str
    active: str
    enabled: str
    needs_reload: bool
    active_since: float
    changed_at: float


@dataclass(frozen=True)
class Current:
    """What is in force, as far as the declared state mentions it. A sysctl this kernel lacks is None."""

    files: Mapping[str, FileNow]
    free_names: Mapping[str, str]
    modules: Mapping[str, _kernel.Feature]
    sysctls: Mapping[str, Optional[str]]
    plugins_present: FrozenSet[str]
    plugin_sources: Mapping[str, Optional[str]]
    services: Mapping[str, ServiceNow]
    systemd: bool
    network_manager: bool
    now: float
    problems: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """The steps from what is in force to what is declared; empty when they agree."""

    steps: Tuple[Step, ...]

    def __bool__(self) -> bool:
        return bool(self.steps)

    def describe(self) -> List[str]:
        """The steps in words."""
        return [step.describe() for step in self.steps]

    def diff(self) -> List[Dict[str, str]]:
        """The steps as Ansible's diff mode shows them."""
        return [entry for entry in (step.diff() for step in self.steps) if entry is not None]


# ---- wanted -------------------------------------------------------------------------------------------------------


def parse_wanted(state: Mapping[str, Any], service_timeout: float = SERVICE_TIMEOUT) -> Wanted:
    """The declared state in a module's parameters. Raises PlanError with everything that is wrong with it."""
    plugins = state.get("cni_plugins") or {}
    problems: List[str] = []
    wanted = Wanted(
        files=tuple(_wanted_file(one, problems) for one in state.get("files") or ()),
        absent=tuple(state.get("absent") or ()),
        renames=tuple((one["src"], one["dest"]) for one in state.get("renames") or ()),
        modules=tuple(state.get("modules") or ()),
        sysctls=tuple((key, _sysctl_value(value)) for key, value in (state.get("sysctls") or {}).items()),
        plugin_dir=plugins.get("bin_dir") or _cni.BIN_DIR,
        plugins=tuple(plugins.get("required") or ()),
        plugin_search=tuple(plugins.get("search") or _cni.SEARCH_DIRS),
        services=tuple(_wanted_service(one) for one in state.get("services") or ()),
        service_timeout=service_timeout,
    )
    problems += _contradictions(wanted)
    if problems:
        raise PlanError(problems)
    return wanted


def _wanted_file(params: Mapping[str, Any], problems: List[str]) -> WantedFile:
    text = params.get("mode") or "0644"
    try:
        mode = int(text, 8)
        if not 0 <= mode <= 0o7777:
            raise ValueError(text)
    except ValueError:
        problems.append("mode {0!r} of {1} is not octal such as '0644'".format(text, params["path"]))
        mode = 0
    return WantedFile(params["path"], params["content"].encode("utf-8"), mode, bool(params.get("sensitive")))


def _wanted_service(params: Mapping[str, Any]) -> WantedService:
    name = params["name"]
    unit = name if os.path.splitext(name)[1] in (".service", ".socket", ".timer", ".path") else name + ".service"
    paths = params.get("on_change_of")
    return WantedService(unit, params.get("enabled"), params.get("state"), None if paths is None else tuple(paths))


def _sysctl_value(value: Any) -> str:
    # YAML's true and an INI "true" both come here as words; the kernel knows numbers only.
    if isinstance(value, bool):
        return str(int(value))
    return _kernel.normal_value(str(value))


def _contradictions(wanted: Wanted) -> List[str]:
    written = [one.path for one in wanted.files]
    gone = list(wanted.absent) + [source for source, dummy in wanted.renames]
    paths = written + gone + [destination for dummy, destination in wanted.renames]
    problems = ["{0} is not an absolute path".format(path) for path in paths if not os.path.isabs(path)]
    problems += ["{0} is declared twice as a file".format(path) for path in sorted(_repeated(written))]
    problems += ["{0} is both written and taken away".format(path) for path in sorted(set(written) & set(gone))]
    problems += ["{0} is to be taken away twice".format(path) for path in sorted(_repeated(gone))]
    for service in wanted.services:
        unknown = sorted(set(service.on_change_of or ()) - set(written))
        message = "on_change_of of {0} names {1}, which is no file of this call"
        problems += [message.format(service.name, path) for path in unknown]
    return problems


def _repeated(items: Sequence[str]) -> Set[str]:
    return {item for item in items if items.count(item) > 1}


# ---- observe ------------------------------------------------------------------------------------------------------


def observe(node: NodeReader, wanted: Wanted) -> Current:
    """What is in force of everything the declared state mentions."""
    problems: List[str] = []
    paths = [one.path for one in wanted.files] + list(wanted.absent) + [source for source, dummy in wanted.renames]
    kernel = _kernel.Kernel(node)
    missing = [name for name in wanted.plugins if not _cni.is_executable(node, os.path.join(wanted.plugin_dir, name))]
    return Current(
        files={path: _file_now(node, path, problems) for path in paths},
        free_names={destination: _free_name(node, destination) for dummy, destination in wanted.renames},
        modules={name: kernel.feature(name) for name in wanted.modules},
        sysctls=_sysctls_now(node, wanted, problems),
        plugins_present=frozenset(wanted.plugins) - frozenset(missing),
        plugin_sources={name: _cni.find_plugin(node, name, wanted.plugin_search) for name in missing},
        services=_services_now(node, wanted, problems),
        systemd=node.stat("/run/systemd/system") is not None,  # sd_booted(3)
        network_manager=_network_manager_runs(node, wanted),
        now=node.wall_clock(),
        problems=tuple(problems),
    )


def _file_now(node: NodeReader, path: str, problems: List[str]) -> FileNow:
    try:
        found = node.stat(path)
        if found is None:
            return FileNow()
        if found.kind == "dir":
            return FileNow("dir", None, found.mode, found.mtime, not node.names(path))
        content = node.read(path) if found.kind == "file" else None
        return FileNow(found.kind, content, found.mode, found.mtime)
    except OSError as error:
        problems.append("{0} cannot be read: {1}".format(path, error.strerror))
        return FileNow()


def _free_name(node: NodeReader, destination: str) -> str:
    candidate, number = destination, 0
    while node.stat(candidate) is not None:
        number += 1
        candidate = "{0}.{1}".format(destination, number)
    return candidate


def _sysctls_now(node: NodeReader, wanted: Wanted, problems: List[str]) -> Dict[str, Optional[str]]:
    values: Dict[str, Optional[str]] = {}
    for key, dummy in wanted.sysctls:
        try:
            values[key] = _kernel.read_sysctl(node, key)
        except FileNotFoundError:
            values[key] = None
        except (OSError, NodeError) as error:
            problems.append("sysctl {0} cannot be read: {1}".format(key, getattr(error, "strerror", None) or error))
    return values


def _services_now(node: NodeReader, wanted: Wanted, problems: List[str]) -> Dict[str, ServiceNow]:
    units = [service.name for service in wanted.services]
    if not units:
        return {}
    try:
        done = node.run(["systemctl", "show", "--property=" + ",".join(_UNIT_PROPERTIES)] + units)
    except NodeError as error:
        problems.append("services {0} cannot be managed: {1}".format(", ".join(units), error))
        return {}
    blocks = parse_systemctl_show(done.out)
    if done.rc != 0 or len(blocks) != len(units):
        problems.append("services {0} cannot be managed: systemctl: {1}".format(", ".join(units), done.reason))
        return {}
    boot = node.wall_clock() - node.monotonic()
    return {unit: _service_now(block, boot) for unit, block in zip(units, blocks)}


def parse_systemctl_show(text: str) -> List[Dict[str, str]]:
    """The properties of each unit in the output of `systemctl show`, which parts units by a blank line."""
    blocks = [block for block in text.strip().split("\n\n") if block.strip()]
    return [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in blocks]


def _service_now(block: Mapping[str, str], boot: float) -> ServiceNow:
    return ServiceNow(
        load=block.get("LoadState", ""),
        active=block.get("ActiveState", ""),
        enabled=block.get("UnitFileState", ""),
        needs_reload=block.get("NeedDaemonReload") == "yes",
        active_since=_moment(block.get("ActiveEnterTimestampMonotonic", ""), boot),
        changed_at=_moment(block.get("StateChangeTimestampMonotonic", ""), boot),
    )


def _moment(microseconds: str, boot: float) -> float:
    return boot + int(microseconds) / 1e6 if microseconds.isdigit() and microseconds != "0" else 0.0


def _network_manager_runs(node: NodeReader, wanted: Wanted) -> bool:
    paths = [one.path for one in wanted.files] + list(wanted.absent)
    if not any(_below(path, _NETWORK_MANAGER_DIRECTORIES) for path in paths) or not node.has_tool("nmcli"):
        return False
    done = node.run(["nmcli", "--terse", "--fields", "RUNNING", "general"])
    return done.rc == 0 and done.out.strip() == "running"


def _below(path: str, directories: Sequence[str]) -> bool:
    return any(path.startswith(directory + "/") for directory in directories)


# ---- plan ---------------------------------------------------------------------------------------------------------


@dataclass
class _Draft:
    """Steps and problems while a plan is being made."""

    steps: List[Step] = field(default_factory=list)
    problems: List[str] = field(default_factory=list)


def plan(current: Current, wanted: Wanted) -> Plan:
    """The steps to the declared state, in the order in which they depend on each other. Pure.

    Raises PlanError with every reason why the state cannot be reached.
    """
    draft = _Draft(problems=list(current.problems))
    _plan_modules(current, wanted, draft)
    _plan_files(current, wanted, draft)
    _plan_sysctls(current, wanted, draft)
    _plan_plugins(current, wanted, draft)
    _plan_renames(current, wanted, draft)
    _plan_absent(current, wanted, draft)
    _plan_effects(current, draft)
    _plan_services(current, wanted, draft)
    if draft.problems:
        raise PlanError(draft.problems)
    return Plan(tuple(draft.steps))


def _plan_modules(current: Current, wanted: Wanted, draft: _Draft) -> None:
    for name in wanted.modules:
        feature = current.modules[name]
        if feature.state == "missing":
            draft.problems.append("kernel module {0} cannot be had: {1}".format(name, feature.reason))
        elif feature.state in ("module", "unknown"):
            draft.steps.append(LoadModule(name))


def _plan_files(current: Current, wanted: Wanted, draft: _Draft) -> None:
    for one in wanted.files:
        now = current.files[one.path]
        if now.kind not in (None, "file", "link"):
            draft.problems.append("{0} is to be a file but is of kind {1}".format(one.path, now.kind))
        elif now.content != one.content or now.mode != one.mode:
            mode = None if now.kind is None else now.mode
            draft.steps.append(WriteFile(one.path, one.content, one.mode, now.content, mode, one.sensitive))


def _plan_sysctls(current: Current, wanted: Wanted, draft: _Draft) -> None:
    loading = {step.name.replace("-", "_") for step in draft.steps if isinstance(step, LoadModule)}
    for key, value in wanted.sysctls:
        if key not in current.sysctls:
            continue  # observing failed, and that is already among the problems
        now = current.sysctls[key]
        if now is None and _kernel.sysctl_provider(key) not in loading:
            draft.problems.append(absent_sysctl(key))
        elif now != value:
            draft.steps.append(SetSysctl(key, value, now))


def _plan_plugins(current: Current, wanted: Wanted, draft: _Draft) -> None:
    nowhere = []
    for name in wanted.plugins:
        if name in current.plugins_present:
            continue
        source = current.plugin_sources[name]
        if source is None:
            nowhere.append(name)
        else:
            draft.steps.append(CopyPlugin(source, os.path.join(wanted.plugin_dir, name)))
    if nowhere:
        message = "CNI plugins {0} are not in {1} and found in none of {2}; install the CNI plugins there"
        draft.problems.append(message.format(", ".join(nowhere), wanted.plugin_dir, ", ".join(wanted.plugin_search)))


def _plan_renames(current: Current, wanted: Wanted, draft: _Draft) -> None:
    taken: Set[str] = set()
    for source, destination in wanted.renames:
        now = current.files[source]
        if now.kind is None:
            continue
        if now.kind == "dir":
            draft.problems.append("{0} is a directory; only files are renamed".format(source))
            continue
        target = current.free_names[destination]
        if target in taken:
            draft.problems.append("{0} is the destination of two renames".format(destination))
        taken.add(target)
        draft.steps.append(Rename(source, target))


def _plan_absent(current: Current, wanted: Wanted, draft: _Draft) -> None:
    for path in wanted.absent:
        now = current.files[path]
        if now.kind == "dir" and not now.empty:
            draft.problems.append("{0} is a directory that is not empty; name what shall go from it".format(path))
        elif now.kind is not None:
            draft.steps.append(Remove(path))


def _plan_effects(current: Current, draft: _Draft) -> None:
    touched = _touched(draft.steps)
    stale = any(service.needs_reload for service in current.services.values())
    if stale or (current.systemd and any(_below(path, _UNIT_DIRECTORIES) for path in touched)):
        draft.steps.append(Command("make systemd read its unit files again", ("systemctl", "daemon-reload")))
    if current.network_manager and any(_below(path, _NETWORK_MANAGER_DIRECTORIES) for path in touched):
        argv = ("nmcli", "general", "reload", "conf")
        draft.steps.append(Command("make NetworkManager read its configuration again", argv))


def _touched(steps: Sequence[Step]) -> Set[str]:
    touched: Set[str] = set()
    for step in steps:
        if isinstance(step, (WriteFile, Remove)):
            touched.add(step.path)
        elif isinstance(step, Rename):
            touched.update((step.source, step.destination))
    return touched


def _plan_services(current: Current, wanted: Wanted, draft: _Draft) -> None:
    if not current.services:
        return  # observing failed, and that is already among the problems
    written = {step.path for step in draft.steps if isinstance(step, WriteFile)}
    for service in wanted.services:
        now = current.services[service.name]
        problem = _unit_problem(service, now, wanted)
        if problem:
            draft.problems.append(problem)
            continue
        _plan_enabling(service, now, wanted, draft)
        verb = _verb(service, now, current, wanted, written)
        if verb is not None:
            after = "stopped" if verb == "stop" else {"start": "started"}.get(verb, verb + "ed")
            draft.steps.append(Systemctl(verb, service.name, now.active or "inactive", after, wanted.service_timeout))


def _unit_problem(service: WantedService, now: ServiceNow, wanted: Wanted) -> Optional[str]:
    needed = service.enabled or service.state in ("started", "restarted", "reloaded")
    if not needed:
        return None
    if now.load == "masked":
        return "service {0} is masked; unmask it first".format(service.name)
    if now.load != "not-found":
        return None
    units = {os.path.basename(one.path) for one in wanted.files if _below(one.path, _UNIT_DIRECTORIES)}
    if service.name in units:
        return None
    return "service {0} does not exist on this node, and no file of this call brings it".format(service.name)


def _plan_enabling(service: WantedService, now: ServiceNow, wanted: Wanted, draft: _Draft) -> None:
    is_enabled = now.enabled in _ENABLED
    if service.enabled is None or service.enabled == is_enabled or (not service.enabled and now.load == "not-found"):
        return
    verb = "enable" if service.enabled else "disable"
    draft.steps.append(Systemctl(verb, service.name, now.enabled or "disabled", verb + "d", wanted.service_timeout))


def _verb(
    service: WantedService, now: ServiceNow, current: Current, wanted: Wanted, written: Set[str]
) -> Optional[str]:
    running = now.active in _RUNNING
    if service.state is None:
        return None
    if service.state == "stopped":
        return "stop" if running or now.active == "activating" else None
    if not running:
        # A unit in a restart loop is `activating`: start lets it try at once, with the files of this call.
        return "start" if service.state == "started" else "restart"
    if service.state == "started":
        return None
    verb, since = ("restart", now.active_since) if service.state == "restarted" else ("reload", now.changed_at)
    causes = {one.path for one in wanted.files} if service.on_change_of is None else set(service.on_change_of)
    return verb if causes & written or _newer(causes, since, current) else None


def _newer(paths: Set[str], since: float, current: Current) -> bool:
    """Whether a file is newer than its service: an earlier run wrote it and was killed before the restart.

    A file from the future says that the clock was set back, not that the service is stale.
    """
    return bool(since) and any(since < current.files[path].mtime <= current.now for path in paths)


# ---- apply --------------------------------------------------------------------------------------------------------


class ApplyError(NodeError):
    """A step failed; done are the ones before it, in words."""

    def __init__(self, message: str, done: Sequence[str]) -> None:
        super().__init__(message)
        self.done = list(done)


def apply(planned: Plan, node: NodeWriter) -> None:
    """Carry out a plan, stopping at the first step that fails. Raises ApplyError. The only writer."""
    done: List[str] = []
    for step in planned.steps:
        try:
            step.apply(node)
        except (NodeError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise ApplyError("cannot {0}: {1}".format(step.describe(), reason), done) from error
        done.append(step.describe())
