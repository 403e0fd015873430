"""hookspan's forwarder for Hermes: tells the bridge what happens in the gateway, as frames {event_type, context, src}.

Hermes calls `handle` on its event loop. So that does next to nothing: it writes the frame down and puts it into a bounded
queue. One background thread posts the frames to the bridge of the state directory, or puts them into its spool where no
bridge answers; the next bridge finds them there. It never raises, never waits, and prints nothing.

Python 3.9 or newer, standard library only. What only the thread needs is imported there.
"""

from __future__ import annotations

import atexit
import collections
import inspect
import json
import logging
import os
import stat
import threading
import time

# The installer writes an absolute path between these quotes where the state directory is not the usual one.
STATE_HOME = ""

NAMESPACES = ("tui", "agent", "session", "command", "gateway")
MAX_FRAMES = 1024
MAX_QUEUE_BYTES = 16 * 1024 * 1024
MAX_FRAME_BYTES = 32 * 1024 * 1024
MAX_SPOOLED = 50_000
MAX_SPOOL_BYTES = 512 * 1024 * 1024
PROBE_S = 30.0
REQUEST_S = 2.0
STOP_S = 1.0
COMPLAINT_S = 60.0
MAX_ANSWER_BYTES = 4096
MAX_DEPTH = 64
MAX_BATCH = 64
BACKLOG = 32
MAX_VALUES = 10_000

log = logging.getLogger("hookspan.hermes")


def handle(event_type, context=None):
    """What Hermes calls for each event that HOOK.yaml names. Gives nothing: some events ask their handlers for a decision."""
    start("gateway")
    default_registry().emit_sync(event_type, context)


def start(src="unknown", registry=None):
    """The forwarder of this process, made by the first call; None where it is switched off or cannot register.

    `src` tells the kind of process: gateway, tui, cli, batch, subagent. `registry`: whose events are forwarded, any object
    with `register(event, handler, name)` that gives a remover. Never raises.
    """
    global _forwarder
    try:
        if not is_switched_on(os.environ):
            return None
        with _lock:
            if _forwarder is None:
                _forwarder = Forwarder(src, registry or default_registry(), patterns_in(os.environ))
                atexit.register(_forwarder.stop)
            return _forwarder
    except Exception as error:
        complaints.note("the forwarder cannot start: %s" % _word(error))
        return None


def stop():
    """Ends the forwarder of this process, if there is one; what waits goes to the spool. `start` makes another."""
    global _forwarder
    with _lock:
        forwarder, _forwarder = _forwarder, None
    if forwarder is not None:
        atexit.unregister(forwarder.stop)
        forwarder.stop()


def mirror(event, session_id, payload=None):
    """For a text interface, after it has shown something: `tui:<event>` with the session and what was shown. Never raises."""
    global _mirrored
    if _mirrored is None:
        _mirrored = default_registry()
        start("tui", _mirrored)
    _mirrored.emit_sync("tui:%s" % event, {"session_id": session_id, "payload": payload or {}})


def default_registry():
    """The registry of this process, made when it is first asked for."""
    global _registry
    with _lock:
        if _registry is None:
            _registry = Registry()
        return _registry


def set_default_registry(registry):
    """Another registry in its place; None: a new one when it is next asked for."""
    global _registry, _mirrored
    with _lock:
        _registry = registry
        if registry is None:
            _mirrored = None


def is_switched_on(env):
    """False for HOOKSPAN_HERMES_FORWARDER = 0, false, no, off, and where HOOKSPAN_DISABLED switches all of hookspan off."""
    if env.get("HOOKSPAN_DISABLED", "").strip().lower() in ("1", "true", "yes", "on"):
        return False
    return env.get("HOOKSPAN_HERMES_FORWARDER", "").strip().lower() not in ("0", "false", "no", "off")


def patterns_in(env):
    """Which events are forwarded: HOOKSPAN_HERMES_EVENTS, names and `<namespace>:*` with commas between them, else all."""
    named = [part.strip() for part in env.get("HOOKSPAN_HERMES_EVENTS", "").split(",")]
    wanted = [name for name in dict.fromkeys(named) if name] or ["%s:*" % name for name in NAMESPACES]
    # One that a wildcard covers would come twice.
    return [name for name in wanted if name.endswith(":*") or _wildcard(name) not in wanted]


def state_home(env):
    """The state directory, as the hooks find it; None where no absolute path is known."""
    user = env.get("HOME") or os.path.expanduser("~")
    xdg = env.get("XDG_STATE_HOME", "")
    usual = os.path.join(xdg, "hookspan") if os.path.isabs(xdg) else os.path.join(user, ".local", "state", "hookspan")
    home = env.get("HOOKSPAN_HOME") or STATE_HOME or usual
    # A slash at the end would hide a symlink.
    return (home.rstrip("/") or "/") if os.path.isabs(home) else None


class Registry:
    """Who wants to hear of which events. `<namespace>:*` stands for every event of a namespace; exact names go first."""

    def __init__(self):
        self._lock = threading.Lock()
        self._entries = {}
        self._warned = set()
        self._tasks = set()

    @property
    def loaded_hooks(self):
        """What is registered, as Hermes lists its own: name, description, events, path."""
        with self._lock:
            return [dict(about) for entries in self._entries.values() for _, about in entries]

    def register(self, event, handler, name=None):
        """Gives a remover, which may be called twice."""
        about = {
            "name": name or getattr(handler, "__name__", None) or "anonymous",
            "description": "registered by a program",
            "events": [event],
            "path": "programmatic",
        }
        entry = (handler, about)
        with self._lock:
            self._entries[event] = [*self._entries.get(event, []), entry]

        def remove():
            with self._lock:
                left = [other for other in self._entries.get(event, []) if other is not entry]
                self._entries[event] = left
                if not left:
                    del self._entries[event]

        return remove

    def emit_sync(self, event_type, context=None):
        """Calls who wants it, in order of registration. Never raises: what one handler does is nothing to the next."""
        context = {} if context is None else context
        try:
            keys = dict.fromkeys((event_type, _wildcard(event_type)))
            with self._lock:
                handlers = [handler for key in keys for handler, _ in self._entries.get(key, [])]
        except Exception as error:
            complaints.note("an event cannot be told: %s" % _word(error))
            return
        for handler in handlers:
            try:
                result = handler(event_type, context)
                if inspect.iscoroutine(result):
                    self._schedule(handler, result)
            except Exception as error:
                log.warning("hookspan: a handler of %s failed: %s", event_type, _word(error))

    def _schedule(self, handler, coroutine):
        import asyncio

        try:
            task = asyncio.get_running_loop().create_task(coroutine)
        except RuntimeError:
            coroutine.close()
            if handler not in self._warned:
                self._warned.add(handler)
                log.warning("hookspan: an async handler is left out where no event loop runs")
            return
        # The loop itself keeps no hold of its tasks.
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task):
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.warning("hookspan: an async handler failed: %s", _word(task.exception()))


class Complaints:
    """One line a minute, with the number of those that were kept back meanwhile."""

    def __init__(self, clock=time.monotonic):
        self._clock = clock
        self._lock = threading.Lock()
        self._last = None
        self._kept_back = 0

    def note(self, text):
        with self._lock:
            now = self._clock()
            if self._last is not None and now - self._last < COMPLAINT_S:
                self._kept_back += 1
                return
            kept_back, self._kept_back, self._last = self._kept_back, 0, now
        log.warning("hookspan: %s%s", text, " (%d similar errors suppressed)" % kept_back if kept_back else "")


complaints = Complaints()


class Frame:
    """One event as it will be sent: written down at once, for Hermes may change the context while it waits."""

    __slots__ = ("body", "time_ns")

    def __init__(self, event_type, context, src):
        self.time_ns = time.time_ns()
        frame = {"event_type": event_type, "context": context or {}, "src": src}
        try:
            text = json.dumps(frame, default=str, allow_nan=False, separators=(",", ":"))
        except (TypeError, ValueError, RecursionError):
            text = json.dumps(_plain(frame, 0, [MAX_VALUES]), allow_nan=False, separators=(",", ":"))
        self.body = text.encode("ascii")


class Forwarder:
    """Takes frames without waiting, and hands them over in a thread of its own."""

    def __init__(self, src, registry, patterns, env=None):
        env = os.environ if env is None else env
        self.src = src
        #: What became of the frames. `dropped`: the oldest of a full queue, or a spool that took no more.
        self.counts = {"accepted": 0, "spooled": 0, "dropped": 0, "refused": 0}
        self.spool = Spool(state_home(env))
        self.bridge = Bridge(state_home(env))
        self._is_stopping = False
        self._removers = []
        self._renew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._renew)
        try:
            for pattern in patterns:
                self._removers.append(registry.register(pattern, self.take, "hookspan_forwarder"))
        except Exception:
            self._unregister()
            raise

    def take(self, event_type, context):
        """Queues one event and returns. Beyond the bound the oldest goes, counted. Never raises."""
        try:
            # It came from a forwarder: told again, it would go round for ever.
            if isinstance(context, dict) and context.get("_forwarded") is True:
                return
            frame = Frame(event_type, context, self.src)
            if len(frame.body) > MAX_FRAME_BYTES:
                self._drop(1, "a frame is larger than %d bytes" % MAX_FRAME_BYTES)
                return
            self._queue(frame)
            if self._thread is None:
                self._begin()
        except Exception as error:
            complaints.note("an event cannot be queued: %s" % _word(error))

    def stop(self):
        """Takes no more, gives the thread a second, and puts what still waits into the spool. May be called twice."""
        try:
            self._unregister()
            with self._news:
                self._is_stopping = True
                self._news.notify_all()
            if self._thread is not None and self._thread is not threading.current_thread():
                self._thread.join(STOP_S)
            left = self._next(MAX_FRAMES)
            # Where there is no hookspan, nobody is told of it. Without a sync, as hooks write: a gateway shall not be slow to end.
            if left and self.spool.is_there():
                self._to_spool(left, durably=False, deadline=time.monotonic() + STOP_S)
        except Exception as error:
            complaints.note("the forwarder did not stop well: %s" % _word(error))

    def waiting(self):
        """The frames that wait, oldest first."""
        with self._news:
            return [json.loads(frame.body) for frame in self._frames]

    def _renew(self):
        """At first, and in the child of a fork: there is no thread, and what waits is the parent's."""
        self._news = threading.Condition()
        self._frames = collections.deque()
        self._queued_bytes = 0
        self._thread = None
        self.bridge.renew()

    def _queue(self, frame):
        dropped = 0
        with self._news:
            if self._is_stopping:
                return
            self._frames.append(frame)
            self._queued_bytes += len(frame.body)
            while len(self._frames) > MAX_FRAMES or (self._queued_bytes > MAX_QUEUE_BYTES and len(self._frames) > 1):
                self._queued_bytes -= len(self._frames.popleft().body)
                dropped += 1
            self._news.notify()
        if dropped:
            self._drop(dropped, "more events than can be handed over; the oldest are dropped")

    def _begin(self):
        with self._news:
            if self._thread is not None or self._is_stopping:
                return
            self._thread = threading.Thread(target=self._run, name="hookspan-%s" % self.src, daemon=True)
            self._thread.start()

    def _run(self):
        while True:
            with self._news:
                while not self._frames and not self._is_stopping:
                    self._news.wait()
                if self._is_stopping:
                    return
            try:
                for frame in self._next(1):
                    self._hand_over(frame)
            except Exception as error:
                self._drop(1, "an event cannot be handed over: %s" % _word(error))

    def _next(self, number):
        """Takes the oldest frames that wait, so many at most."""
        with self._news:
            taken = [self._frames.popleft() for _ in range(min(number, len(self._frames)))]
            self._queued_bytes -= sum(len(frame.body) for frame in taken)
            return taken

    def _hand_over(self, frame):
        if not self.spool.is_there():
            self._hold(frame)
            return
        # One by one each costs the bridge a sync of its disk. Who is behind goes the faster way to the same place.
        address = self.bridge.address() if len(self._frames) < BACKLOG else None
        for is_last in (False, True):
            if address is None:
                break
            status, text = self.bridge.post("/api/hooks/ingest", frame.body)
            if status in (200, 202):
                self.counts["accepted"] += 1
                return
            if 400 <= status < 500 and status not in (401, 408, 429):
                self.counts["refused"] += 1
                complaints.note("the bridge refuses an event: %d %s" % (status, text))
                return
            complaints.note("the bridge does not take events (%s %s); they wait in the spool" % (status or "no answer", text))
            self.bridge.forget()
            # Another bridge has another token, and is there already.
            address = self.bridge.probe() if status == 401 and not is_last else None
        # Together, for they share what a slow disk needs to sync.
        self._to_spool([frame, *self._next(MAX_BATCH - 1)])

    def _hold(self, frame):
        """hookspan is not on this machine, or not yet: then nothing is written. A second later is soon enough to look again."""
        with self._news:
            if self._is_stopping:
                return
            if len(self._frames) < MAX_FRAMES:
                self._frames.appendleft(frame)
                self._queued_bytes += len(frame.body)
            else:
                self.counts["dropped"] += 1
            end = time.monotonic() + 1.0
            while not self._is_stopping and time.monotonic() < end:
                self._news.wait(end - time.monotonic())

    def _to_spool(self, frames, durably=True, deadline=None):
        try:
            put = self.spool.put(frames, durably, deadline)
        except Exception as error:
            self._drop(len(frames), "the spool does not take events: %s" % _word(error))
            return
        self.counts["spooled"] += put
        if put < len(frames):
            self._drop(len(frames) - put, "the spool is full, or there is none; events are dropped")

    def _drop(self, number, why):
        self.counts["dropped"] += number
        complaints.note("%s (%d so far)" % (why, self.counts["dropped"]))

    def _unregister(self):
        while self._removers:
            self._removers.pop()()


class Spool:
    """The spool of the state directory: one file is one envelope, whole if and only if it ends with its own end line."""

    def __init__(self, home):
        self._home = home
        self._puts = 0
        self._is_full = False

    def is_there(self):
        """Whether there is a state directory, of this user's own and no link. It is the hooks' and the bridge's to make."""
        return self._home is not None and _is_own_directory(self._home)

    def put(self, frames, durably=True, deadline=None):
        """Puts frames, which would then survive a power cut, and gives how many. Raises what the disk says if it takes none."""
        if not self.is_there():
            return 0
        spool = os.path.join(self._home, "spool")
        try:
            os.mkdir(spool, 0o700)
        except FileExistsError:
            pass
        if not _is_own_directory(spool) or self._has_no_room(spool):
            return 0
        written = []
        try:
            for frame in frames:
                if deadline is not None and time.monotonic() > deadline:
                    break
                try:
                    written.append(self._write(spool, frame))
                except OSError:
                    if not written:
                        raise
                    break
            if durably:
                self._sync(spool, written)
        except BaseException:
            for _, path in written:
                os.unlink(path)
            raise
        finally:
            for fd, _ in written:
                os.close(fd)
        return len(written)

    def _write(self, spool, frame):
        # An id never recurs: a commit that is applied again would delete a new event of the same name.
        identity = "%d.%s" % (os.getpid(), os.urandom(16).hex())
        when = "%d.%09d" % divmod(frame.time_ns, 1_000_000_000)
        head = "v=1\nid=%s\nagent=hermes\ntime=%s\n\n" % (identity, when)
        path = os.path.join(spool, "%s.evt" % identity)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        try:
            rest = memoryview(head.encode("ascii") + frame.body + ("\nend=%s\n" % identity).encode("ascii"))
            while rest:
                rest = rest[os.write(fd, rest) :]
        except BaseException:
            os.close(fd)
            os.unlink(path)
            raise
        return fd, path

    def _sync(self, spool, written):
        for fd, _ in written:
            os.fsync(fd)
        if os.name != "posix" or not written:
            return
        fd = os.open(spool, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def _has_no_room(self, spool):
        """Looked at for one in 32, and each time while it is full. The mark is the hooks' own; `hookspan status` tells of it."""
        self._puts += 1
        if self._puts % 32 != 1 and not self._is_full:
            return False
        count = size = 0
        with os.scandir(spool) as entries:
            for entry in entries:
                count += 1
                try:
                    size += entry.stat(follow_symlinks=False).st_size
                except FileNotFoundError:
                    pass
        self._is_full = count > MAX_SPOOLED or size > MAX_SPOOL_BYTES
        if self._is_full:
            mark = os.path.join(self._home, "dropped")
            os.close(os.open(mark, os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600))
        return self._is_full


class Bridge:
    """Where the bridge of a state directory listens, once it has proved that it is that bridge; and a connection to it."""

    def __init__(self, home, clock=time.monotonic):
        self._file = None if home is None else os.path.join(home, "bridge.json")
        self._home = home
        self._clock = clock
        self.renew()

    def renew(self):
        """Forgets all. A connection is left as it is: after a fork it is the parent's."""
        self._address = None
        self._socket = None
        self._due = None
        self._seen = None

    def address(self):
        """(host, port, token), or None if no bridge can be trusted. Looks again every 30 s, and at once when the file changed."""
        if self._due is None or self._clock() >= self._due or self._stamp() != self._seen:
            return self.probe()
        return self._address

    def probe(self):
        """Reads the file and has the bridge prove that it knows the token, before anybody tells it."""
        self.forget()
        try:
            found = self._discover()
            if found is not None and self._proves(found):
                self._address = found["host"], found["port"], found["token"]
        except OSError:
            pass
        return self._address

    def forget(self):
        """Until the file changes or half a minute is over."""
        self._close()
        self._address = None
        self._due = self._clock() + PROBE_S
        self._seen = self._stamp()

    def post(self, path, body):
        """(status, the beginning of the answer); status 0 if none came within two seconds."""
        host, port, token = self._address
        extra = "Authorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % (token, len(body))
        deadline = time.monotonic() + REQUEST_S
        try:
            if self._socket is None:
                self._socket = _connect(host, port, deadline)
            status, text, is_open = _exchange(self._socket, _request("POST", path, host, port, extra) + body, deadline)
        except (OSError, ValueError) as error:
            self._close()
            return 0, _word(error)
        if not is_open:
            self._close()
        return status, _printable(text[:200])

    def _discover(self):
        """What bridge.json says, believed only if nobody else could have written or read it; None otherwise."""
        if self._file is None or not _is_own_directory(self._home):
            return None
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        fd = os.open(self._file, flags)
        try:
            facts = os.fstat(fd)
            if not stat.S_ISREG(facts.st_mode) or not _is_own(facts):
                return None
            if os.name == "posix" and facts.st_mode & 0o077:
                complaints.note("%s is open to other users; it is not believed" % self._file)
                return None
            text = os.read(fd, 65536)
        finally:
            os.close(fd)
        try:
            return _address_in(json.loads(text))
        except (ValueError, RecursionError):
            return None

    def _proves(self, found):
        import hashlib
        import hmac

        nonce = os.urandom(24).hex()
        host, port = found["host"], found["port"]
        deadline = time.monotonic() + REQUEST_S
        try:
            with _connect(host, port, deadline) as connection:
                path = "/health?nonce=%s" % nonce
                status, text, _ = _exchange(connection, _request("GET", path, host, port, ""), deadline)
            told = json.loads(text) if status == 200 else None
        except (ValueError, RecursionError):
            return False
        if not isinstance(told, dict) or told.get("instance") != found["instance"]:
            return False
        words = "hookspan intake %d %s" % (port, nonce)
        expected = hmac.new(found["token"].encode(), words.encode(), hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected.encode(), str(told.get("proof")).encode("utf-8", "replace"))

    def _stamp(self):
        try:
            facts = os.lstat(self._file)
            return facts.st_ino, facts.st_mtime_ns, facts.st_size, facts.st_mode
        except (OSError, TypeError):
            return None

    def _close(self):
        connection, self._socket = self._socket, None
        if connection is not None:
            try:
                connection.close()
            except OSError:
                pass


def _address_in(told):
    """The token never leaves the machine, whatever the file says."""
    import ipaddress
    from urllib.parse import urlsplit

    if not isinstance(told, dict) or not all(isinstance(told.get(key), str) for key in ("url", "token", "instance")):
        return None
    url = urlsplit(told["url"])
    address = ipaddress.ip_address(url.hostname or "")
    is_local = address.is_loopback and url.scheme == "http" and url.path in ("", "/") and url.port is not None
    token = told["token"]
    if not is_local or not token or not all("!" <= letter <= "~" for letter in token):
        return None
    return {"host": url.hostname, "port": url.port, "token": token, "instance": told["instance"]}


def _request(method, path, host, port, extra):
    name = "[%s]" % host if ":" in host else host
    return ("%s %s HTTP/1.1\r\nHost: %s:%d\r\n%s\r\n" % (method, path, name, port, extra)).encode("ascii")


def _connect(host, port, deadline):
    import socket

    return socket.create_connection((host, port), timeout=_left(deadline))


def _exchange(connection, request, deadline):
    """(status, at most 4 KiB of the body, whether the connection can be used again). The time is for all of it: who drips gets no more.

    @raises OSError if the connection fails or time is up, ValueError if what comes is no HTTP.
    """
    connection.settimeout(_left(deadline))
    connection.sendall(request)
    got = b""
    while b"\r\n\r\n" not in got:
        if len(got) > 4 * MAX_ANSWER_BYTES:
            raise ValueError("the answer has no end of its head")
        got += _receive(connection, deadline) or _gone()
    head, _, body = got.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    version, _, status = lines[0].partition(" ")
    if version not in ("HTTP/1.1", "HTTP/1.0") or not status[:3].isdigit():
        raise ValueError("the answer is no HTTP")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    length = headers.get("content-length", "")
    wanted = min(int(length), MAX_ANSWER_BYTES) if length.isdigit() else MAX_ANSWER_BYTES
    while len(body) < wanted:
        part = _receive(connection, deadline)
        if not part:
            break
        body += part
    is_open = length.isdigit() and len(body) == int(length) and headers.get("connection", "").lower() != "close"
    return int(status[:3]), body[:wanted], is_open


def _receive(connection, deadline):
    connection.settimeout(_left(deadline))
    return connection.recv(MAX_ANSWER_BYTES)


def _left(deadline):
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("no answer within %d seconds" % REQUEST_S)
    return left


def _gone():
    raise ConnectionError("the connection was closed without an answer")


def _is_own_directory(path):
    try:
        facts = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(facts.st_mode) and _is_own(facts)


def _is_own(facts):
    return not hasattr(os, "getuid") or facts.st_uid == os.getuid()


def _wildcard(event_type):
    """The pattern of an event's namespace: there is one level of it. A name without a colon has none."""
    namespace, colon, _ = event_type.partition(":")
    return "%s:*" % namespace if colon else event_type


def _plain(value, depth, left):
    """The same in what JSON can hold: no circles, no numbers that are none, keys that are text. `left`: values that may follow."""
    left[0] -= 1
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if depth > MAX_DEPTH or left[0] < 0:
        return None
    if isinstance(value, dict):
        return {str(key): _plain(inner, depth + 1, left) for key, inner in list(value.items()) if left[0] > 0}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(inner, depth + 1, left) for inner in list(value) if left[0] > 0]
    return str(value)


def _word(error):
    """An error's kind and what the system says of it: never what it was about."""
    text = getattr(error, "strerror", None) or (str(error) if isinstance(error, (OSError, ValueError)) else "")
    return _printable(("%s: %s" % (type(error).__name__, text)) if text else type(error).__name__)


def _printable(text):
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return "".join(letter if letter.isprintable() else " " for letter in text)[:200]


_lock = threading.RLock()
_forwarder = None
_registry = None
_mirrored = None


def _after_fork():
    """Whoever held a lock is not in the child."""
    global _lock
    _lock = threading.RLock()
    complaints._lock = threading.Lock()
    if isinstance(_registry, Registry):
        _registry._lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
