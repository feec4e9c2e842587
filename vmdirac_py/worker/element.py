"""The inner CEs. All payloads live the same life (`run.py`); a CE says what stands around them.

InProcessCE       nothing but a control group, where there may be one
SudoCE            a unix user for each slot, namespaces, a control group
SingularityCE     a container, as the slot's user where the worker is root, and a control group
"""

from typing import Dict, List, Optional, Type

from . import blame, ce, cgroup_find, container, spaces
from .accounts import Account, Accounts, Dropped, NoAccount, clear_account, end_account
from .cgroup import Group, Limits
from .credentials import destroy
from .files import remove_tree
from .grounds import Errands, Grounds, Inside
from .log import say
from .payload import (
    CREDENTIALS,
    CannotHere,
    CannotRun,
    Place,
    command,
    environment,
    given,
    instance,
    mark,
    visible_gpus,
)
from .processes import kill_marked
from .run import Run
from .walls import Caged, Command, Given, Marked, Rationed, Wall, is_root
from .wire import Slot, Work


class InProcessCE:
    """Runs payloads as processes of the worker's own user: nothing stands between them and the worker.

    Args:
        grounds: where they run.
        errands: gets sandboxes and credentials.
        watcher: is told about starts and ends.
    """

    def __init__(self, grounds: Grounds, errands: Errands, watcher: ce.Watcher) -> None:
        self.grounds, self.errands, self.watcher = grounds, errands, watcher
        for needed in (grounds.folder, grounds.outputs):
            needed.mkdir(parents=True, exist_ok=True)
        self._tree = cgroup_find.find()
        if self._tree is None:
            say("no control group may be made here: payloads get limits of their single processes only")

    def problems(self) -> List[str]:
        """Return why it cannot run payloads on this machine."""
        return []

    def start(self, work: Work, slot: Slot) -> Run:
        """Begin to run a payload; returns at once."""
        say(f"job {work.job}.{work.attempt}: {slot.cores} cores, slot {slot.number}")
        return Run(self, work, slot)

    def leftovers(self) -> List[str]:
        """Clean up after an earlier worker; return the payloads (`JOB.ATTEMPT`) that were cut off."""
        names = sorted(entry.name for entry in self.grounds.folder.iterdir())
        for group in self._tree.left(self._group_name("")) if self._tree else []:
            group.kill()
            group.remove()
        for name in names:
            kill_marked(mark(self.grounds.vm, name))
            destroy(self.grounds.folder / name / CREDENTIALS)
            remove_tree(self.grounds.folder / name)
        return names

    def account(self, slot: Slot) -> Optional[Account]:
        """Return whose a payload's folders are; None: the worker's own user's. Raises CannotRun."""
        del slot
        return None

    def inside(self, work: Work, slot: Slot, place: Place) -> Inside:
        """Return the command of a payload and what stands around it. Raises CannotRun, OSError."""
        command = self._command(work, slot, place)
        # The mark is the innermost: the job must not change it.
        walls = [Marked(mark(self.grounds.vm, place.top.name)), *self._walls(work, slot, place)]
        group = self._cage(work, place)  # last: whoever gets it removes it
        walls.append(Caged(group, place.top / "caged") if group else self._rationed(work))
        return Inside(command, walls, group.used if group else None)

    def _walls(self, work: Work, slot: Slot, place: Place) -> List[Wall]:
        """Return what stands around a payload beside mark and control group, the innermost first."""
        del slot
        if work.image:
            raise CannotRun(
                f"Container image {work.image} is not allowed here: this VM runs payloads without container"
            )
        return [Given(place.environment)]

    def _command(self, work: Work, slot: Slot, place: Place) -> Command:
        made, more = environment(work, place), given(work)
        gpus = visible_gpus(slot.gpu_ids) if self.grounds.gpus else {}
        arguments = command(work, place, self._path({**made, **more}))
        return Command(arguments, made, more).knowing(**instance(), **gpus)

    def _path(self, variables: Dict[str, str]) -> Optional[str]:
        return variables["PATH"]

    def _cage(self, work: Work, place: Place) -> Optional[Group]:
        if self._tree is None:
            return None
        with blame.machine():
            return self._tree.make(self._group_name(place.top.name), self._limits(work))

    def _rationed(self, work: Work) -> Wall:
        return Rationed(self._limits(work), own_user=False)

    def _limits(self, work: Work) -> Limits:
        """Return what a payload may take; one that asked for no memory may take the VM's."""
        options, ram_mb = self.grounds.options, self.grounds.ram_mb
        return Limits(work.cores, int((work.ram_mb or ram_mb) * options.memory_factor), options.processes)

    def _group_name(self, attempt: str) -> str:
        return f"vmdirac-{self.grounds.vm}-{attempt}"


class SudoCE(InProcessCE):
    """Runs each payload as the unix user of its slot, in namespaces where the machine allows them."""

    def __init__(self, grounds: Grounds, errands: Errands, watcher: ce.Watcher) -> None:
        super().__init__(grounds, errands, watcher)
        self._accounts = Accounts(grounds.options.accounts, create=grounds.options.create_accounts)
        self._spaced = False

    def problems(self) -> List[str]:
        """Return why it cannot run payloads on this machine, and open the way to their folders."""
        if not is_root():
            return ["SudoCE: the worker is not root and cannot become a payload's user"]
        found = self._accounts.problems()
        self._spaced = spaces.possible()
        if not self._spaced:
            say("no namespaces may be made here: payloads share /tmp and see one another's processes")
        for folder in (self.grounds.folder.parent, self.grounds.folder):
            folder.chmod(0o711)  # to be passed through, not to be looked into
        return found

    def leftovers(self) -> List[str]:
        """Clean up after an earlier worker; return the payloads (`JOB.ATTEMPT`) that were cut off."""
        names = super().leftovers()
        for account in self._accounts.all() if names else []:
            end_account(account)
            clear_account(account)
        return names

    def account(self, slot: Slot) -> Optional[Account]:
        """Return the slot's user. Raises CannotRun."""
        try:
            return self._accounts.of(slot.number)
        except NoAccount as error:
            raise CannotHere(str(error)) from None

    def _walls(self, work: Work, slot: Slot, place: Place) -> List[Wall]:
        walls: List[Wall] = [*super()._walls(work, slot, place), *self._user(slot)]
        return [*walls, spaces.Spaced(place.top, place.scratch, place.work)] if self._spaced else walls

    def _user(self, slot: Slot) -> List[Wall]:
        account = self.account(slot)
        return [Dropped(account)] if account else []

    def _rationed(self, work: Work) -> Wall:
        return Rationed(self._limits(work), own_user=True)


class SingularityCE(SudoCE):
    """Runs each payload in a container; as the user of its slot where the worker is root."""

    def problems(self) -> List[str]:
        """Return why it cannot run payloads on this machine."""
        options = self.grounds.options
        missing = [] if container.runtime(options) else ["SingularityCE: neither apptainer nor singularity is there"]
        return missing + (super().problems() if is_root() else [])

    def account(self, slot: Slot) -> Optional[Account]:
        """Return the slot's user where the worker may become it."""
        return super().account(slot) if is_root() else None

    def _walls(self, work: Work, slot: Slot, place: Place) -> List[Wall]:
        options = self.grounds.options
        image = container.chosen_image(work, options)
        program = container.runtime(options)
        return [container.Contained(program, image, place, slot, options), *self._user(slot)]

    def _user(self, slot: Slot) -> List[Wall]:
        account = self.account(slot)
        # A setuid helper of the runtime is needed where users may make no namespaces, so the seal must not stop it.
        return [Dropped(account, sealed=container.user_namespaces())] if account else []

    def _path(self, variables: Dict[str, str]) -> Optional[str]:
        del variables
        return None  # what the programs of an image are, the image knows

    def _rationed(self, work: Work) -> Wall:
        return Rationed(self._limits(work), own_user=is_root())


ELEMENTS: Dict[str, Type[InProcessCE]] = {
    ce.IN_PROCESS: InProcessCE,
    ce.SUDO: SudoCE,
    ce.SINGULARITY: SingularityCE,
}
