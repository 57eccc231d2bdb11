"""The bus between hosts: what happens here is told to Redis, and what Redis tells happens here."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from atila.errors import SettingError

from .address import read_address
from .cells import SharedNumbers, SharedUpdates
from .frames import MESSAGE, read_change
from .memory import Memory
from .outbox import NUMBERS, Item, Outbox
from .rates import SharedRates

try:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry
except ImportError:
    redis = None  # type: ignore[assignment]  # it is optional

_log = logging.getLogger("skitai")

KEPT = 10_000  # messages, about, that Redis keeps for hosts that could not reach it for a while
_BATCH = 256  # items or messages in one round trip
_BLOCK = 1.0  # seconds that Redis may wait for a message before it answers that there is none
_TIMEOUT = 5.0  # seconds without an answer after which Redis counts as away
_PAUSES = (0.1, 0.2, 0.5, 1.0)  # seconds before it is tried again; the last one from then on

# Tells one item once, even if it is sent twice: the number of the last one told is kept beside the stream.
_TELL = """
local what, name, value = ARGV[3], ARGV[4], ARGV[5]
local told = redis.call('GET', KEYS[2])
if told and tonumber(told) >= tonumber(ARGV[2]) then return false end
redis.call('SET', KEYS[2], ARGV[2], 'EX', 86400)
if what == 'stamp' then
  local old = redis.call('HGET', KEYS[3], name)
  if not old or tonumber(old) < tonumber(value) then redis.call('HSET', KEYS[3], name, value) end
elseif what == 'set' then
  redis.call('HSET', KEYS[4], name, value)
elseif what == 'add' then
  redis.call('HINCRBY', KEYS[4], name, value)
  value = redis.call('HGET', KEYS[4], name)
end
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[7], '*',
           'from', ARGV[1], 'what', what, 'name', name, 'value', value, 'seconds', ARGV[6])
return what == 'message' and '' or value
"""


class Bridge:
    """Joins this host with the others that use the same Redis and the same name. Lives as long as the main process.

    Messages go through a stream and values are kept in hashes, so that a host that could not reach Redis for a while
    gets what it missed. Meanwhile this host goes on alone; what it has to tell waits.
    """

    def __init__(self, url: str, name: str, memory: Memory, inject: Callable[[bytes], None], backlog: int) -> None:
        if redis is None:
            raise SettingError("run(bus=…) needs the package redis: pip install redis")
        self.memory = memory
        self.inject = inject
        self.where, self._password = read_address(url)
        self.updates, self.numbers = SharedUpdates(memory), SharedNumbers(memory)
        self.rates = SharedRates(memory)
        self.outbox = Outbox(backlog)
        self.synced = threading.Event()  # what Redis held at the start is here
        self._url = url
        self._origin = uuid.uuid4().hex
        prefix = f"{{atila:{name}}}:"  # the braces keep all keys on one node of a cluster
        self._stream, self._told = f"{prefix}messages", f"{prefix}told:{self._origin}"
        self._stamps, self._values = f"{prefix}updates", f"{prefix}numbers"
        self._last = ""  # id of the last message read
        self._untold: Counter[str] = Counter()  # changes of a number made here that Redis has not told back yet
        self._seen: dict[str, int] = {}  # numbers as Redis told them last
        self._lock = threading.Lock()
        self._failing: set[str] = set()  # which of the two threads cannot reach Redis
        self._stopping = threading.Event()
        self._writer = threading.Thread(target=self._write, name="bus to Redis", daemon=True)
        self._reader = threading.Thread(target=self._read, name="bus from Redis", daemon=True)

    def start(self) -> None:
        """Start both threads."""
        self._writer.start()
        self._reader.start()

    def stop(self, patience: float = 1.0) -> None:
        """Tell what is left, for `patience` seconds at most."""
        end = time.monotonic() + patience
        while len(self.outbox) and not self._failing and time.monotonic() < end:
            time.sleep(0.01)
        self._stopping.set()
        self.outbox.wake()
        self._writer.join(patience)

    def relay(self, kind: int, body: bytes) -> None:
        """Tell other hosts what a worker said. Never waits."""
        if kind == MESSAGE:
            self.outbox.message(body)
            if self.outbox.lost:
                self.memory.put("lost", self.memory.get("lost") + self.outbox.lost)
                self.outbox.lost = 0
            return
        change = read_change(body)
        with self._lock:
            if change.what in NUMBERS:
                self.numbers.declare(change.name)
                self._untold[change.name] += self.outbox.change(change)
                return
            if change.what == "stamp":
                self.updates.declare(change.name)
            self.outbox.change(change)

    # to Redis

    def _write(self) -> None:
        client, script = self._client(), ""
        while not self._stopping.is_set():
            items = self.outbox.take(_BATCH, _BLOCK)
            if not items and script:
                continue
            try:
                if not script:
                    script = client.script_load(_TELL)
                    if self._last:  # not at the start: then there is nothing here that Redis did not tell
                        self._restore(client)
                self._tell(client, script, items)
                self._reached("writer")
            except redis.RedisError as error:
                script = ""
                self._failed("writer", error)

    def _tell(self, client: Any, script: str, items: list[Item]) -> None:
        """Send items in one round trip. Raises RedisError when they have to be sent again."""
        if not items:
            return
        pipeline = client.pipeline(transaction=False)
        keys = (self._stream, self._told, self._stamps, self._values)
        for item in items:
            value = repr(item.value) if isinstance(item.value, float) else item.value
            pipeline.evalsha(
                script, 4, *keys, self._origin, item.number, item.what, item.name, value, item.seconds, KEPT
            )
        for item, outcome in zip(items, pipeline.execute(raise_on_error=False), strict=True):
            if isinstance(outcome, redis.RedisError) and type(outcome) is not redis.ResponseError:
                raise outcome  # no script, no memory, read only, no answer: later it will be taken
            if isinstance(outcome, redis.RedisError):
                _log.error("bus: Redis refused to %s %r: %s", item.what, item.name, outcome)
                with self._lock:
                    self._untold[item.name] = max(0, self._untold[item.name] - 1)  # it will not come back
            elif item.what in NUMBERS and outcome is not None:
                with self._lock:
                    self._seen[item.name] = int(outcome)
        self.outbox.done()

    def _restore(self, client: Any) -> None:
        """Give Redis the values that it has lost: it may have been started anew, with nothing."""
        pipeline = client.pipeline(transaction=False)
        for name in self.updates.names:
            pipeline.hsetnx(self._stamps, name, repr(self.updates.read(name)))
        with self._lock:
            for name, value in self._seen.items():
                pipeline.hsetnx(self._values, name, value)
        if len(pipeline):
            pipeline.execute()

    # from Redis

    def _read(self) -> None:
        client, connected = self._client(), False
        while not self._stopping.is_set():
            try:
                if not connected:
                    self._catch_up(client)
                    connected = True
                    self.synced.set()
                    self._reached("reader")
                for _, messages in client.xread({self._stream: self._last}, _BATCH, int(_BLOCK * 1000)) or ():
                    for number, fields in messages:
                        self._last = number.decode()
                        self._try_to_hear(fields)
            except redis.RedisError as error:
                connected = False
                self._failed("reader", error)

    def _catch_up(self, client: Any) -> None:
        """Take over the values that Redis holds, and go on behind the last message read."""
        newest = client.xrevrange(self._stream, count=1)
        top = newest[0][0].decode() if newest else "0-0"
        if not self._last:
            self._last = top
        elif _order(top) < _order(self._last):
            self._last = "0-0"  # Redis was started anew: its messages are counted anew, too
        stamps, values = client.hgetall(self._stamps), client.hgetall(self._values)
        with self._lock:
            for name in self._untold:
                self._untold[name] = len(self.outbox.untold(name))
            try:
                for key, value in stamps.items():
                    self._grow(key.decode(), float(value))
                for key, value in values.items():
                    self._put(key.decode(), int(value))
            except (ValueError, OverflowError, SettingError) as error:
                _log.error("bus: not all values of Redis are taken over: %s", error)

    def _try_to_hear(self, fields: Mapping[bytes, bytes]) -> None:
        try:
            self._hear(fields)
        except (KeyError, ValueError, OverflowError, SettingError) as error:
            _log.error("bus: a message of Redis cannot be understood: %s: %s", type(error).__name__, error)

    def _hear(self, fields: Mapping[bytes, bytes]) -> None:
        """Let happen here what a message of the stream tells."""
        own = fields[b"from"].decode() == self._origin
        what, name, value = fields[b"what"].decode(), fields[b"name"].decode(), fields[b"value"]
        with self._lock:
            if what in NUMBERS:
                if own:
                    self._untold[name] = max(0, self._untold[name] - 1)
                self._put(name, int(value))
            elif own:
                pass
            elif what == "message":
                self.inject(value)
            elif what == "stamp":
                self.updates.declare(name)
                self.updates.grow(name, float(value))
            elif what == "use":
                self.rates.count(name, int(value), float(fields[b"seconds"]))

    def _put(self, name: str, value: int) -> None:
        """Set a number, unless a change made here is still to come back: then that one is the later one."""
        self.numbers.declare(name)
        self._seen[name] = value
        if not self._untold[name]:
            self.numbers.put(name, value)

    def _grow(self, name: str, value: float) -> None:
        """Set a time, unless it is later here; one that was never stamped here is what the others have."""
        self.updates.declare(name)
        if value > self.updates.read(name) or self.updates.read(name) == self.updates.initial:
            self.updates.put(name, value)

    # away and back

    def _client(self) -> Any:
        return redis.Redis.from_url(
            self._url,
            protocol=2,
            retry=Retry(NoBackoff(), 0),  # trying again is this class's own work
            socket_timeout=_TIMEOUT,
            socket_connect_timeout=_TIMEOUT,
            socket_keepalive=True,
        )

    def _failed(self, who: str, error: Exception) -> None:
        with self._lock:
            first = not self._failing
            self._failing.add(who)
        if first:
            self.memory.put("away_since", time.time())
            self.memory.put("away_times", self.memory.get("away_times") + 1)
            reason = str(error).replace(self._password, "***") if self._password else str(error)
            _log.error("bus: Redis at %s cannot be reached (%s); this host goes on alone", self.where, reason)
        since = time.time() - self.memory.get("away_since")
        self._stopping.wait(next((pause for pause in _PAUSES if since < pause * 3), _PAUSES[-1]))

    def _reached(self, who: str) -> None:
        with self._lock:
            if who not in self._failing:
                return
            self._failing.discard(who)
            if self._failing:
                return
        away = max(0.0, time.time() - self.memory.get("away_since"))
        self.memory.put("away_last", away)
        self.memory.put("away_since", 0)
        _log.warning("bus: Redis at %s is back after %.1f s", self.where, away)


def _order(number: str) -> tuple[int, ...]:
    """Return what ids of messages are compared by."""
    return tuple(int(part) for part in number.split("-"))
