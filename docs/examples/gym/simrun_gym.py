"""A Gymnasium environment over `simrun gym`: an agent in the place of a rate controller.

    env = SimrunEnv("scenarios/quickstart.yaml")
    observation, info = env.reset(seed=1)
    observation, reward, terminated, truncated, info = env.step([500_000])

With gymnasium installed, SimrunEnv is a gymnasium.Env with gymnasium's spaces, and
observations are arrays of numpy. Without it nothing but Python is needed: the
interface is the same, spaces are a stand-in, and observations are lists. docs/gym.md
says what the numbers are.
"""

import json
import os
import random
import shutil
import subprocess
import tempfile

try:
    import gymnasium
    import numpy
except ImportError:
    gymnasium = numpy = None

PROTOCOL = "simrun-gym-v1"


class SimrunError(Exception):
    """What simrun refused, or how it ended."""


class Box:
    """Stands in for gymnasium.spaces.Box where there is no gymnasium."""

    def __init__(self, low, high):
        self.low, self.high, self.shape = list(low), list(high), (len(low),)
        self._random = random.Random()

    def seed(self, seed=None):
        self._random.seed(seed)

    def sample(self):
        return [self._random.uniform(low, high) for low, high in zip(self.low, self.high)]

    def contains(self, x):
        return len(x) == len(self.low) and all(low <= v <= high for low, v, high in zip(self.low, x, self.high))

    __contains__ = contains

    def __repr__(self):
        return f"Box({self.low}, {self.high})"


def _box(fields):
    low, high = [f["low"] for f in fields], [f["high"] for f in fields]
    if gymnasium is None:
        return Box(low, high)
    return gymnasium.spaces.Box(numpy.float32(low), numpy.float32(high), dtype=numpy.float32)


class SimrunEnv(gymnasium.Env if gymnasium else object):
    """Episodes are runs of a scenario; an action is the target rate of one session in bit/s.

    simrun is the program: a path or name, or a list with arguments. It is $SIMRUN, or
    simrun, by default. The others are the flags of `simrun gym`: session is the name of
    the session that the agent sends in; step a time such as "200ms"; seed that of the
    first episode; set a list of "path=value"; weights a dict such as {"delay": 10}; out
    a folder for the records of episodes. spec_sheet is the reply to hello, as a dict.
    """

    metadata = {"render_modes": []}
    render_mode = None

    def __init__(self, scenario, *, session=None, step=None, seed=None, set=(), weights=None, out=None, simrun=None):
        command = simrun or os.environ.get("SIMRUN") or "simrun"
        command = [command] if isinstance(command, (str, os.PathLike)) else list(command)
        self._child = None
        if shutil.which(command[0]) is None:
            raise SimrunError(f"there is no program {command[0]}: put simrun into PATH or its path into $SIMRUN")
        command += ["gym", os.fspath(scenario)]
        for flag, value in (("session", session), ("step", step), ("seed", seed), ("out", out)):
            if value is not None:
                command.append(f"--{flag}={value}")
        command += [f"--set={s}" for s in set]
        command += [f"--weight={name}={value}" for name, value in (weights or {}).items()]
        self._stderr = tempfile.TemporaryFile()
        # A session of its own: an interrupt is Python's to handle, and ends simrun's input.
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr, start_new_session=True
        )
        self.spec_sheet = self._ask({"type": "hello"})
        if self.spec_sheet["protocol"] != PROTOCOL:
            self.close()
            raise SimrunError(f"simrun speaks {self.spec_sheet['protocol']}, and this file {PROTOCOL}")
        self.observation_space = _box(self.spec_sheet["observation"])
        self.action_space = _box([self.spec_sheet["action"]])

    def reset(self, *, seed=None, options=None):
        """Begins an episode and returns (observation, info).

        Without a seed it is the one after the last. options are "variation", an index
        into the variations of the matrix; "set", a list of "path=value"; "weights".
        """
        if gymnasium:
            super().reset(seed=seed)
        command = {"type": "reset", "options": options or {}}
        if seed is not None:
            command["seed"] = int(seed)
        reply = self._ask(command)
        return self._observed(reply), reply["info"]

    def step(self, action):
        """Applies a rate in bit/s, a number or a sequence of one, for a step."""
        reply = self._ask({"type": "step", "action": self._rate(action)})
        return self._observed(reply), float(reply["reward"]), reply["terminated"], reply["truncated"], reply["info"]

    def render(self):
        """There is nothing to see: records have pages, see `simrun report`."""

    def close(self):
        """Ends simrun. Closing twice is fine."""
        child, self._child = self._child, None
        if child is None:
            return
        try:
            child.stdin.close()
        except OSError:
            pass  # it has ended
        try:
            child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        child.stdout.close()
        self._stderr.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        if getattr(self, "_child", None):
            self.close()

    @staticmethod
    def _rate(action):
        if hasattr(action, "tolist"):  # an array, or a number of numpy
            action = action.tolist()
        if isinstance(action, (list, tuple)):
            if len(action) != 1:
                raise ValueError(f"an action is one rate in bit/s, not {len(action)} numbers")
            action = action[0]
        return float(action)

    @staticmethod
    def _observed(reply):
        return reply["observation"] if numpy is None else numpy.float32(reply["observation"])

    def _ask(self, command):
        """Returns the reply to a command."""
        if self._child is None:
            raise SimrunError("the environment is closed")
        line = json.dumps(command, allow_nan=False)
        try:
            self._child.stdin.write(line.encode() + b"\n")
            self._child.stdin.flush()
            answer = self._child.stdout.readline()
        except OSError:
            answer = b""
        except BaseException:  # an interrupt: the reply would be taken for the next one
            self._child.kill()
            self.close()
            raise
        if not answer.endswith(b"\n"):
            raise SimrunError(self._ended())
        reply = json.loads(answer)
        if "error" in reply:
            raise SimrunError(reply["error"])
        return reply

    def _ended(self):
        """Closes, and says how simrun ended."""
        try:
            code = self._child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._child.kill()
            code = self._child.wait()
        self._stderr.seek(0)
        said = self._stderr.read().decode(errors="replace").strip()
        self.close()
        return f"simrun ended with exit code {code}" + (f": {said}" if said else "")
