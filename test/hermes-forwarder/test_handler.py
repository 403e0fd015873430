"""The forwarder of hooks/hermes by itself: real files, real sockets, a stand-in for the bridge that does what it is told.

Run as a program it prints one JSON line for each test; test/hermes-forwarder.test.ts reads them.
"""

import asyncio
import contextlib
import hashlib
import hmac
import http.server
import importlib.util
import inspect
import json
import logging
import os
import shutil
import sys
import tempfile
import threading
import time
import types
import unittest
from urllib.parse import parse_qs, urlsplit

HOOK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "hooks", "hermes", "handler.py")
WAIT_S = 30


def load():
    """The module as Hermes loads it, anew each time."""
    spec = importlib.util.spec_from_file_location("hermes_hook_hookspan", HOOK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class StandIn:
    """A bridge that answers as it is told, and keeps what it was told itself."""

    def __init__(self, home):
        self.home = home
        self.token = "token-" + os.urandom(8).hex()
        self.instance = os.urandom(8).hex()
        self.frames = []
        self.tokens_heard = []
        self.probes = 0
        self.health = 200
        self.status = 202
        #: While it is clear, nothing is answered.
        self.answers = threading.Event()
        self.answers.set()
        self.asked = threading.Event()
        stand_in = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                stand_in.probes += 1
                self._wait()
                nonce = parse_qs(urlsplit(self.path).query)["nonce"][0]
                words = "hookspan intake %d %s" % (stand_in.port, nonce)
                proof = hmac.new(stand_in.token.encode(), words.encode(), hashlib.sha256).hexdigest()
                self._give(stand_in.health, {"ok": True, "instance": stand_in.instance, "proof": proof})

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                stand_in.tokens_heard.append(self.headers["Authorization"])
                self._wait()
                is_known = self.headers["Authorization"] == "Bearer " + stand_in.token
                status = stand_in.status if is_known else 401
                if not is_known:
                    stand_in.announce()
                if status == 202:
                    stand_in.frames.append(json.loads(body))
                self._give(status, {"error": "as told\n\x1b[31m"})

            def _wait(self):
                stand_in.asked.set()
                stand_in.answers.wait(WAIT_S)

            def _give(self, status, value):
                text = json.dumps(value).encode()
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    # In pieces, as a network may bring it.
                    for at in range(0, len(text), 16):
                        self.wfile.write(text[at : at + 16])

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.announce()

    def announce(self, **other):
        facts = {"url": "http://127.0.0.1:%d" % self.port, "token": self.token, "instance": self.instance, "pid": 1}
        self.write(json.dumps({**facts, **other}))

    def write(self, text, mode=0o600):
        path = os.path.join(self.home, "bridge.json")
        fd = os.open(path + ".tmp", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(fd, text if isinstance(text, bytes) else text.encode())
        os.close(fd)
        os.chmod(path + ".tmp", mode)
        os.replace(path + ".tmp", path)

    def close(self):
        self.answers.set()
        self._server.shutdown()
        self._server.server_close()


class Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.home = os.path.join(tempfile.mkdtemp(prefix="hookspan-"), "state")
        os.mkdir(self.home, 0o700)
        self.addCleanup(shutil.rmtree, os.path.dirname(self.home), True)
        before = dict(os.environ)
        self.addCleanup(lambda: (os.environ.clear(), os.environ.update(before)))
        for name in [name for name in os.environ if name.startswith("HOOKSPAN_")]:
            del os.environ[name]
        os.environ["HOOKSPAN_HOME"] = self.home
        self.module = load()
        self.addCleanup(self.module.stop)
        self.said = []
        listener = logging.Handler()
        listener.emit = lambda record: self.said.append(record.getMessage())
        self.module.log.addHandler(listener)
        self.module.log.propagate = False
        self.addCleanup(self.module.log.removeHandler, listener)

    def stand_in(self):
        bridge = StandIn(self.home)
        self.addCleanup(bridge.close)
        return bridge

    def until(self, condition, what="what was waited for"):
        end = time.monotonic() + WAIT_S
        while not condition():
            if time.monotonic() > end:
                self.fail("%s did not happen" % what)
            time.sleep(0.005)

    def spooled(self):
        """The payloads in the spool, in order of time; fails if one of them is no whole envelope."""
        spool = os.path.join(self.home, "spool")
        found = []
        for name in os.listdir(spool) if os.path.isdir(spool) else []:
            with open(os.path.join(spool, name), "rb") as file:
                data = file.read()
            head, whole, rest = data.partition(b"\n\n")
            if not whole:
                continue
            header = dict(line.split("=", 1) for line in head.decode().split("\n"))
            end = ("\nend=%s\n" % header["id"]).encode()
            if not rest.endswith(end):
                continue
            self.assertEqual(name, header["id"] + ".evt")
            self.assertEqual((header["v"], header["agent"]), ("1", "hermes"))
            found.append((header["time"], json.loads(rest[: -len(end)])))
        return [payload for _, payload in sorted(found, key=lambda pair: pair[0])]

    def wait_spooled(self, number):
        self.until(lambda: len(self.spooled()) == number, "%d envelopes" % number)
        return self.spooled()

    def still(self, src="test"):
        """A forwarder whose thread never begins: what is queued stays there."""
        forwarder = self.module.start(src)
        forwarder._begin = lambda: None
        return forwarder


class Start(Case):
    def test_without_a_file_events_wait_in_the_spool_and_nothing_is_said(self):
        self.module.handle("agent:start", {"session_id": "s"})
        self.assertEqual(
            self.wait_spooled(1), [{"event_type": "agent:start", "context": {"session_id": "s"}, "src": "gateway"}]
        )
        self.assertEqual(self.said, [])

    def test_zero_switches_it_off_although_a_bridge_is_there(self):
        bridge = self.stand_in()
        os.environ["HOOKSPAN_HERMES_FORWARDER"] = "0"
        self.assertIsNone(self.module.start("gateway"))
        self.module.handle("agent:start", {})
        self.assertEqual((bridge.probes, os.listdir(self.home)), (0, ["bridge.json"]))

    def test_other_words_do_not_switch_it_off(self):
        for word in ("", "1", "true", "yes", "on", "00", "offline"):
            self.assertTrue(self.module.is_switched_on({"HOOKSPAN_HERMES_FORWARDER": word}), word)

    def test_what_switches_all_hooks_off_switches_it_off(self):
        for word in ("1", "TRUE", " yes", "on"):
            self.assertFalse(self.module.is_switched_on({"HOOKSPAN_DISABLED": word}), word)

    def test_a_second_start_gives_the_first_forwarder(self):
        self.assertIs(self.module.start("gateway"), self.module.start("tui"))
        self.assertEqual(self.module.start("cli").src, "gateway")

    def test_all_five_namespaces_are_registered_once(self):
        for _ in range(3):
            self.module.start("gateway")
        events = [hook["events"] for hook in self.module.default_registry().loaded_hooks]
        self.assertEqual(events, [["tui:*"], ["agent:*"], ["session:*"], ["command:*"], ["gateway:*"]])

    def test_stop_takes_all_registrations_back(self):
        self.module.start("gateway")
        self.module.stop()
        self.assertEqual(self.module.default_registry().loaded_hooks, [])

    def test_stop_may_be_called_twice(self):
        forwarder = self.module.start("gateway")
        for _ in range(2):
            forwarder.stop()
            self.module.stop()

    def test_a_registry_that_refuses_is_a_warning_and_no_forwarder(self):
        removed = []

        class Refusing:
            def register(self, event, handler, name):
                if event == "session:*":
                    raise RuntimeError("no")
                return lambda: removed.append(event)

        self.assertIsNone(self.module.start("gateway", Refusing()))
        self.assertEqual((sorted(removed), len(self.said)), (["agent:*", "tui:*"], 1))

    def test_the_registry_of_another_program_is_used(self):
        registry = self.module.Registry()
        forwarder = self.module.start("cli", registry)
        forwarder._begin = lambda: None
        registry.emit_sync("session:start", {"session_id": "s"})
        self.assertEqual([frame["event_type"] for frame in forwarder.waiting()], ["session:start"])

    def test_no_thread_and_no_file_until_something_happens(self):
        before = threading.active_count()
        self.module.start("gateway")
        self.assertEqual((threading.active_count(), os.listdir(self.home)), (before, []))

    def test_the_state_directory_is_found_as_the_hooks_find_it(self):
        home_of = self.module.state_home
        self.assertEqual(home_of({"HOOKSPAN_HOME": "/a/b//", "HOME": "/h"}), "/a/b")
        self.assertEqual(home_of({"XDG_STATE_HOME": "/x", "HOME": "/h"}), "/x/hookspan")
        self.assertEqual(home_of({"XDG_STATE_HOME": "x", "HOME": "/h"}), "/h/.local/state/hookspan")
        self.assertIsNone(home_of({"HOOKSPAN_HOME": "rel", "HOME": "/h"}))
        self.module.STATE_HOME = "/baked"
        self.assertEqual(home_of({"HOME": "/h"}), "/baked")

    def test_without_hookspan_on_the_machine_nothing_is_written_or_said(self):
        os.rmdir(self.home)
        for n in range(3):
            self.module.handle("agent:start", {"n": n})
        forwarder = self.module.start()
        self.until(lambda: forwarder._thread is not None and len(forwarder.waiting()) == 3)
        self.module.stop()
        self.assertEqual((os.path.exists(self.home), self.said, forwarder.counts["spooled"]), (False, [], 0))

    def test_when_hookspan_comes_what_waited_is_handed_over(self):
        os.rmdir(self.home)
        for n in range(3):
            self.module.handle("agent:start", {"n": n})
        os.mkdir(self.home, 0o700)
        self.assertEqual([frame["context"]["n"] for frame in self.wait_spooled(3)], [0, 1, 2])

    def test_the_child_of_a_fork_has_a_thread_of_its_own(self):
        bridge = self.stand_in()
        counts = self.module.start().counts
        self.module.handle("agent:start", {"who": "parent"})
        self.until(lambda: counts["accepted"] == 1)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                self.module.handle("agent:start", {"who": "child"})
                self.until(lambda: counts["accepted"] == 2)
                code = 0
            finally:
                os._exit(code)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.module.handle("agent:start", {"who": "parent again"})
        self.until(lambda: len(bridge.frames) == 3)
        self.assertEqual([frame["context"]["who"] for frame in bridge.frames], ["parent", "child", "parent again"])


def _falsy(word):
    def test(self):
        self.stand_in()
        os.environ["HOOKSPAN_HERMES_FORWARDER"] = word
        self.assertIsNone(self.module.start("gateway"))

    return test


for _number, _word in enumerate(("0", "false", "No", "OFF", "  False\t"), 1):
    setattr(Start, "test_falsy_spelling_%d_switches_it_off" % _number, _falsy(_word))


class Discovery(Case):
    def found(self, home=None):
        return self.module.Bridge(home or self.home).address()

    def test_a_bridge_that_proves_itself_is_believed(self):
        bridge = self.stand_in()
        self.assertEqual(self.found(), ("127.0.0.1", bridge.port, bridge.token))

    def test_a_malformed_file_is_as_good_as_none(self):
        bridge = self.stand_in()
        for text in (b"", b"{", b"\xff\xfe", b"[]", b"null", b"7", b"[" * 60000, b" " * 70000 + b"{}"):
            bridge.write(text)
            self.assertIsNone(self.found(), text[:20])
        self.assertEqual((bridge.probes, self.said), (0, []))

    def test_a_file_without_a_key_is_as_good_as_none(self):
        bridge = self.stand_in()
        for key in ("url", "token", "instance"):
            for value in (None, 7, "", ["x"]):
                bridge.announce(**{key: value})
                self.assertIsNone(self.found(), (key, value))
        self.assertEqual(bridge.tokens_heard, [])

    def test_a_file_that_others_can_read_is_refused_and_said_so(self):
        bridge = self.stand_in()
        for mode in (0o640, 0o604, 0o620, 0o666):
            bridge.write(json.dumps({"url": "http://127.0.0.1:%d" % bridge.port, "token": "t", "instance": "i"}), mode)
            self.assertIsNone(self.found())
        self.assertEqual(bridge.probes, 0)
        self.assertIn("open to other users", self.said[0])

    def test_a_link_and_what_is_no_file_are_refused(self):
        bridge = self.stand_in()
        path = os.path.join(self.home, "bridge.json")
        os.rename(path, path + ".real")
        os.symlink(path + ".real", path)
        self.assertIsNone(self.found())
        os.unlink(path)
        os.mkfifo(path, 0o600)
        self.assertIsNone(self.found())
        link = self.home + "-link"
        os.unlink(path)
        os.rename(path + ".real", path)
        os.symlink(self.home, link)
        self.assertIsNone(self.found(link))
        self.assertEqual(bridge.probes, 0)

    def test_a_file_of_another_user_is_refused(self):
        bridge = self.stand_in()
        fstat = os.fstat
        self.addCleanup(setattr, os, "fstat", fstat)
        os.fstat = lambda fd: types.SimpleNamespace(st_mode=fstat(fd).st_mode, st_uid=fstat(fd).st_uid + 1)
        self.assertIsNone(self.found())
        self.assertEqual(bridge.probes, 0)

    def test_an_address_beyond_this_machine_is_refused(self):
        bridge = self.stand_in()
        dialled = []
        self.module._connect = lambda host, *_: dialled.append(host)
        for url in (
            "http://192.0.2.1:80",
            "http://localhost:%d" % bridge.port,
            "https://127.0.0.1:%d" % bridge.port,
            "http://127.0.0.1",
            "http://127.0.0.1:%d/x" % bridge.port,
            "http://127.0.0.1:99999",
            "http://x@[::1",
        ):
            bridge.announce(url=url)
            self.assertIsNone(self.found(), url)
        self.assertEqual(dialled, [])

    def test_a_token_that_could_forge_a_header_is_refused(self):
        bridge = self.stand_in()
        for token in ("a\r\nX: y", "a b", "\u20ac"):
            bridge.token = token
            bridge.announce()
            self.assertIsNone(self.found())
        self.assertEqual(bridge.probes, 0)

    def test_a_stranger_at_the_port_gets_no_token(self):
        bridge = self.stand_in()
        bridge.announce(token="another")
        self.module.handle("agent:start", {"n": 1})
        self.wait_spooled(1)
        bridge.announce(instance="another")
        self.module.handle("agent:start", {"n": 2})
        self.wait_spooled(2)
        self.assertEqual((bridge.probes, bridge.tokens_heard), (2, []))

    def test_a_bridge_that_answers_nonsense_is_none(self):
        bridge = self.stand_in()
        for text in (b"", b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"x" * 100_000, b"HTTP/1.1 200 OK\r\n\r\n[[["):
            with _raw_server(text) as port:
                bridge.announce(url="http://127.0.0.1:%d" % port)
                self.assertIsNone(self.found(), text[:30])

    def test_a_new_token_is_picked_up(self):
        bridge = self.stand_in()
        client = self.module.Bridge(self.home)
        old = client.address()
        bridge.token = "rotated"
        bridge.announce()
        self.assertEqual(client.address(), (*old[:2], "rotated"))

    def test_a_probe_that_fails_forgets_the_bridge_although_its_file_is_there(self):
        bridge = self.stand_in()
        now = [0.0]
        client = self.module.Bridge(self.home, clock=lambda: now[0])
        self.assertIsNotNone(client.address())
        bridge.close()
        now[0] = 29.9
        self.assertIsNotNone(client.address())
        now[0] = 30.0
        self.assertIsNone(client.address())
        self.assertTrue(os.path.exists(os.path.join(self.home, "bridge.json")))

    def test_a_503_to_the_probe_forgets_the_bridge(self):
        bridge = self.stand_in()
        client = self.module.Bridge(self.home)
        self.assertIsNotNone(client.address())
        bridge.health = 503
        self.assertIsNone(client.probe())

    def test_a_bridge_that_is_away_is_not_asked_again_until_its_file_changes_or_half_a_minute_is_over(self):
        bridge = self.stand_in()
        now = [0.0]
        client = self.module.Bridge(self.home, clock=lambda: now[0])
        bridge.health = 503
        for _ in range(5):
            self.assertIsNone(client.address())
        self.assertEqual(bridge.probes, 1)
        bridge.announce(version="2")
        client.address()
        self.assertEqual(bridge.probes, 2)
        now[0] = 30.0
        bridge.health = 200
        self.assertIsNotNone(client.address())


class Queue(Case):
    def test_what_is_queued_is_exactly_the_frame(self):
        forwarder = self.still("gateway")
        self.module.handle("agent:step", {"session_id": "s", "iteration": 1, "tools": [{"name": "ls"}]})
        self.assertEqual(
            forwarder.waiting(),
            [
                {
                    "event_type": "agent:step",
                    "context": {"session_id": "s", "iteration": 1, "tools": [{"name": "ls"}]},
                    "src": "gateway",
                }
            ],
        )

    def test_handle_gives_nothing(self):
        self.still()
        self.assertIsNone(self.module.handle("command:new", {}))

    def test_no_context_is_an_empty_one(self):
        forwarder = self.still()
        self.module.handle("gateway:startup")
        self.module.handle("gateway:startup", None)
        self.assertEqual([frame["context"] for frame in forwarder.waiting()], [{}, {}])

    def test_what_changes_while_it_waits_was_written_down_before(self):
        forwarder = self.still()
        context = {"n": 1}
        self.module.handle("agent:start", context)
        context["n"] = 2
        self.assertEqual(forwarder.waiting()[0]["context"], {"n": 1})

    def test_a_forwarded_event_is_left_out(self):
        forwarder = self.still()
        self.module.handle("agent:start", {"_forwarded": True, "_forwarded_from": "tui"})
        self.assertEqual(forwarder.waiting(), [])

    def test_only_the_literal_true_marks_a_forwarded_event(self):
        forwarder = self.still()
        marks = [False, None, "true", 1, [True]]
        for mark in marks:
            self.module.handle("agent:start", {"_forwarded": mark})
        self.module.handle("agent:start", {})
        self.assertEqual([frame["context"].get("_forwarded") for frame in forwarder.waiting()], [*marks, None])

    def test_the_oldest_is_dropped_and_counted(self):
        forwarder = self.still()
        self.module.MAX_FRAMES = 3
        for n in range(5):
            self.module.handle("agent:start", {"n": n})
        self.assertEqual([frame["context"]["n"] for frame in forwarder.waiting()], [2, 3, 4])
        self.assertEqual(forwarder.counts["dropped"], 2)

    def test_the_queue_holds_1024_frames_and_16_mib(self):
        forwarder = self.still()
        for n in range(1030):
            self.module.handle("agent:start", {"n": n})
        self.assertEqual(len(forwarder.waiting()), 1024)
        for _ in range(40):
            self.module.handle("agent:end", {"response": "x" * 2**20})
        self.assertEqual(len(forwarder.waiting()), 15)
        self.assertEqual(forwarder.counts["dropped"], 1030 + 40 - 15)

    def test_one_that_is_too_large_is_dropped_and_counted(self):
        forwarder = self.still()
        self.module.MAX_FRAME_BYTES = 1000
        self.module.handle("agent:end", {"response": "x" * 1000})
        self.assertEqual((forwarder.waiting(), forwarder.counts["dropped"]), ([], 1))

    def test_a_wedged_queue_raises_nothing(self):
        forwarder = self.still()

        class Wedged:
            def __getattr__(self, name):
                raise RuntimeError("wedged")

        for part in ("_frames", "_news"):
            kept = getattr(forwarder, part)
            setattr(forwarder, part, Wedged())
            self.module.handle("agent:start", {})
            setattr(forwarder, part, kept)
        self.assertEqual(len(self.said), 1)

    def test_no_context_raises_anything(self):
        forwarder = self.still()
        circle = {}
        circle["a"] = circle["b"] = [circle, circle]
        deep = []
        for _ in range(100_000):
            deep = [deep]

        class Hostile:
            def __str__(self):
                raise KeyError("hostile")

        contexts = [
            {"n": float("nan")},
            {("a", 1): {1, 2}, None: b"bytes"},
            circle,
            {"deep": deep},
            {"text": "\ud800\u20ac\x00"},
            {"object": object()},
            {"object": Hostile()},
            {"exception": {("k",): Hostile()}},
            ["no", "dict"],
            "text",
            7,
        ]
        for context in contexts:
            self.assertIsNone(self.module.handle("agent:start", context))
        self.assertIsNone(self.module.handle(None, {}))
        self.assertIsNone(self.module.handle(["agent:start"], {}))
        self.assertGreaterEqual(len(forwarder.waiting()), 7)

    def test_names_and_wildcards_say_what_is_forwarded(self):
        for wanted, taken in (
            ("agent:start", ["agent:start"]),
            ("agent:*", ["agent:start", "agent:end"]),
            ("agent:*, agent:start ,,session:end", ["agent:start", "agent:end", "session:end"]),
            ("other:*", []),
            ("ag*", []),
        ):
            self.module.stop()
            os.environ["HOOKSPAN_HERMES_EVENTS"] = wanted
            forwarder = self.still()
            for event in ("agent:start", "agent:end", "session:end", "agents:start", "agent"):
                self.module.handle(event, {})
            self.assertEqual([frame["event_type"] for frame in forwarder.waiting()], taken, wanted)

    def test_a_bridge_that_hangs_holds_nobody_up(self):
        bridge = self.stand_in()
        bridge.answers.clear()
        self.module.handle("agent:start", {"n": 0})
        self.assertTrue(bridge.asked.wait(WAIT_S), "the thread asks, and gets no answer")
        for n in range(1, 2001):
            self.module.handle("agent:start", {"n": n})
        forwarder = self.module.start()
        self.assertFalse(bridge.answers.is_set())
        self.assertLessEqual(len(forwarder.waiting()), 1024)
        bridge.answers.set()


class Errors(Case):
    def complaints(self):
        now = [0.0]
        return self.module.Complaints(clock=lambda: now[0]), now

    def test_the_first_error_is_logged_even_on_a_machine_that_has_just_started(self):
        complaints, _ = self.complaints()
        complaints.note("no")
        self.assertEqual(self.said, ["hookspan: no"])

    def test_ten_that_follow_are_kept_back(self):
        complaints, now = self.complaints()
        for _ in range(11):
            now[0] += 5
            complaints.note("no")
        self.assertEqual(self.said, ["hookspan: no"])

    def test_after_a_minute_the_number_of_those_kept_back_is_told(self):
        complaints, now = self.complaints()
        for _ in range(6):
            complaints.note("no")
        now[0] = 60.0
        complaints.note("again")
        now[0] = 120.0
        complaints.note("and again")
        self.assertEqual(
            self.said, ["hookspan: no", "hookspan: again (5 similar errors suppressed)", "hookspan: and again"]
        )

    def test_no_line_tells_a_token_or_what_an_event_holds(self):
        bridge = self.stand_in()
        bridge.status = 400
        self.module.handle("agent:start", {"message": "a secret prompt"})
        self.until(lambda: self.module.start().counts["refused"] == 1)
        self.assertEqual(self.said, ['hookspan: the bridge refuses an event: 400 {"error": "as told\\n\\u001b[31m"}'])
        self.assertNotIn(bridge.token, self.said[0])


class Delivery(Case):
    def test_what_the_bridge_takes_is_not_spooled(self):
        bridge = self.stand_in()
        for n in range(5):
            self.module.handle("agent:step", {"n": n})
        self.until(lambda: len(bridge.frames) == 5)
        self.assertEqual([frame["context"]["n"] for frame in bridge.frames], [0, 1, 2, 3, 4])
        self.assertEqual((bridge.probes, self.spooled(), self.said), (1, [], []))

    def test_who_is_behind_takes_the_faster_way_and_loses_nothing(self):
        bridge = self.stand_in()
        forwarder = self.still()
        for n in range(200):
            self.module.handle("agent:step", {"n": n})
        del forwarder._begin
        self.module.handle("agent:step", {"n": 200})
        self.until(lambda: sum(forwarder.counts.values()) == 201)
        self.assertEqual((forwarder.counts["dropped"], forwarder.counts["spooled"] >= 160), (0, True))
        told = [frame["context"]["n"] for frame in [*self.spooled(), *bridge.frames]]
        self.assertEqual(sorted(told), list(range(201)))

    def test_a_401_is_asked_again_at_once_with_the_new_token_and_nothing_is_lost(self):
        bridge = self.stand_in()
        self.module.handle("agent:start", {"n": 1})
        self.until(lambda: len(bridge.frames) == 1)
        # Its file is not there yet, but will be before the answer.
        bridge.token = "rotated"
        self.module.handle("agent:start", {"n": 2})
        self.until(lambda: len(bridge.frames) == 2)
        self.assertEqual((self.spooled(), len(bridge.tokens_heard)), ([], 3))

    def test_a_bridge_that_always_says_401_is_left_alone(self):
        bridge = self.stand_in()
        bridge.status = 401
        for n in range(3):
            self.module.handle("agent:start", {"n": n})
        self.wait_spooled(3)
        self.assertEqual(len(bridge.tokens_heard), 2)

    def test_what_may_be_taken_later_waits_in_the_spool(self):
        for status in (408, 429, 500, 503):
            bridge = StandIn(self.home)
            bridge.status = status
            before = len(self.spooled())
            self.module.handle("agent:start", {"status": status})
            self.wait_spooled(before + 1)
            bridge.close()
        self.assertEqual([frame["context"]["status"] for frame in self.spooled()], [408, 429, 500, 503])

    def test_what_will_never_be_taken_is_dropped_and_counted(self):
        bridge = self.stand_in()
        forwarder = self.module.start()
        for number, status in enumerate((400, 403, 404, 413, 415), 1):
            bridge.status = status
            self.module.handle("agent:start", {})
            self.until(lambda: forwarder.counts["refused"] == number)
        self.assertEqual((self.spooled(), bridge.probes), ([], 1))

    def test_a_bridge_that_dies_loses_nothing_that_comes_after(self):
        bridge = self.stand_in()
        self.module.handle("agent:start", {"n": 1})
        self.until(lambda: len(bridge.frames) == 1)
        bridge.close()
        os.unlink(os.path.join(self.home, "bridge.json"))
        for n in (2, 3):
            self.module.handle("agent:start", {"n": n})
        self.until(lambda: len(bridge.frames) + len(self.spooled()) == 3)

    def test_a_bridge_that_comes_later_gets_what_comes_then(self):
        self.module.handle("agent:start", {"n": 1})
        self.wait_spooled(1)
        bridge = self.stand_in()
        self.module.handle("agent:start", {"n": 2})
        self.until(lambda: len(bridge.frames) == 1)
        self.assertEqual(bridge.frames[0]["context"], {"n": 2})

    def test_an_answer_that_drips_gets_no_more_time(self):
        bridge = self.stand_in()
        with _dripping_server() as port:
            bridge.announce(url="http://127.0.0.1:%d" % port)
            self.module.handle("agent:start", {})
            self.wait_spooled(1)


class Spool(Case):
    def test_an_envelope_is_private_whole_and_of_its_time(self):
        before = time.time()
        self.module.handle("agent:start", {"text": "\u20ac \n end=x"})
        self.assertEqual(self.wait_spooled(1)[0]["context"], {"text": "\u20ac \n end=x"})
        spool = os.path.join(self.home, "spool")
        (name,) = os.listdir(spool)
        self.assertEqual(os.stat(os.path.join(spool, name)).st_mode & 0o777, 0o600)
        self.assertEqual(os.stat(spool).st_mode & 0o777, 0o700)
        with open(os.path.join(spool, name), "rb") as file:
            header = file.read().split(b"\n\n")[0].decode()
        self.assertRegex(header, r"^v=1\nid=\d+\.[0-9a-f]{32}\nagent=hermes\ntime=\d+\.\d{9}$")
        self.assertGreaterEqual(float(header.rsplit("=", 1)[1]), before - 0.001)

    def test_an_envelope_is_synced_with_its_name_but_not_when_the_gateway_ends(self):
        synced = []
        fsync = os.fsync
        self.addCleanup(setattr, os, "fsync", fsync)
        os.fsync = lambda fd: synced.append(os.readlink("/proc/self/fd/%d" % fd))
        self.module.handle("agent:start", {})
        self.until(lambda: self.module.start().counts["spooled"] == 1)
        spool = os.path.join(self.home, "spool")
        self.assertEqual(synced, [os.path.join(spool, os.listdir(spool)[0]), spool])
        self.module.stop()
        self.still()
        self.module.handle("agent:start", {})
        self.module.stop()
        self.assertEqual((len(os.listdir(spool)), len(synced)), (2, 2))

    def test_a_spool_that_is_a_link_or_anothers_is_left_alone(self):
        elsewhere = tempfile.mkdtemp(prefix="hookspan-")
        self.addCleanup(shutil.rmtree, elsewhere)
        os.symlink(elsewhere, os.path.join(self.home, "spool"))
        forwarder = self.module.start()
        self.module.handle("agent:start", {})
        self.until(lambda: forwarder.counts["dropped"] == 1)
        self.assertEqual(os.listdir(elsewhere), [])

    def test_a_full_spool_takes_no_more_and_leaves_the_mark_of_the_hooks(self):
        self.module.MAX_SPOOLED = 2
        forwarder = self.module.start()
        spool = os.path.join(self.home, "spool")
        os.mkdir(spool, 0o700)
        for name in "abc":
            open(os.path.join(spool, name), "w").close()
        self.module.handle("agent:start", {})
        self.until(lambda: forwarder.counts["dropped"] == 1)
        self.assertTrue(os.path.exists(os.path.join(self.home, "dropped")))
        for name in "abc":
            os.unlink(os.path.join(spool, name))
        self.module.handle("agent:start", {"n": 2})
        self.wait_spooled(1)

    def test_a_disk_that_refuses_leaves_nothing_behind(self):
        forwarder = self.module.start()

        def full(*_):
            raise OSError(28, "No space left on device")

        write, self.module.os.write = os.write, full
        try:
            self.module.handle("agent:start", {})
            self.until(lambda: forwarder.counts["dropped"] == 1)
        finally:
            self.module.os.write = write
        self.assertEqual(os.listdir(os.path.join(self.home, "spool")), [])
        self.assertIn("No space left on device", self.said[0])

    def test_a_disk_that_fills_up_keeps_what_it_took(self):
        forwarder = self.still()
        for n in range(5):
            self.module.handle("agent:start", {"n": n})
        write, left = os.write, [3]

        def filling(fd, data):
            left[0] -= 1
            if left[0] < 0:
                raise OSError(28, "No space left on device")
            return write(fd, data)

        self.addCleanup(setattr, os, "write", write)
        os.write = filling
        self.module.stop()
        self.assertEqual((forwarder.counts["spooled"], forwarder.counts["dropped"]), (3, 2))
        self.assertEqual(len(os.listdir(os.path.join(self.home, "spool"))), 3)
        self.assertEqual([frame["context"]["n"] for frame in self.spooled()], [0, 1, 2])

    def test_what_waits_at_the_end_goes_to_the_spool(self):
        forwarder = self.still()
        for n in range(50):
            self.module.handle("agent:start", {"n": n})
        self.module.stop()
        self.assertEqual([frame["context"]["n"] for frame in self.spooled()], list(range(50)))
        self.assertEqual(forwarder.counts["spooled"], 50)

    def test_after_the_end_nothing_is_taken_and_a_new_start_begins_anew(self):
        first = self.module.start()
        self.module.stop()
        first.take("agent:start", {})
        self.assertEqual((first.waiting(), first.counts["dropped"]), ([], 0))
        self.module.handle("agent:start", {"n": 1})
        self.wait_spooled(1)
        self.assertIsNot(self.module.start(), first)


class RegistryOfEvents(Case):
    def setUp(self):
        super().setUp()
        self.registry = self.module.Registry()
        self.calls = []

    def handler(self, name):
        def called(event_type, context):
            self.calls.append((name, event_type, context))

        return called

    def test_who_registers_is_called(self):
        self.registry.register("agent:start", self.handler("a"))
        self.registry.emit_sync("agent:start", {"n": 1})
        self.registry.emit_sync("agent:end", {})
        self.assertEqual(self.calls, [("a", "agent:start", {"n": 1})])

    def test_a_registration_says_what_it_is(self):
        self.registry.register("agent:start", self.handler("a"))
        (about,) = self.registry.loaded_hooks
        self.assertEqual((about["name"], about["events"], about["path"]), ("called", ["agent:start"], "programmatic"))
        self.assertTrue(about["description"])

    def test_a_name_given_goes_before_the_functions_own(self):
        self.registry.register("a:b", self.handler("a"), "mine")
        self.registry.register("a:b", type("Nameless", (), {"__call__": lambda *_: None})())
        self.assertEqual([about["name"] for about in self.registry.loaded_hooks], ["mine", "anonymous"])

    def test_the_remover_ends_it(self):
        self.registry.register("a:b", self.handler("a"))()
        self.registry.emit_sync("a:b")
        self.assertEqual((self.calls, self.registry.loaded_hooks), ([], []))

    def test_the_remover_may_be_called_twice(self):
        remove = self.registry.register("a:b", self.handler("a"))
        self.registry.register("a:b", self.handler("b"))
        remove()
        remove()
        self.registry.emit_sync("a:b")
        self.assertEqual([name for name, _, _ in self.calls], ["b"])

    def test_two_handlers_are_called_in_the_order_they_came(self):
        for name in "ab":
            self.registry.register("a:b", self.handler(name))
        self.registry.emit_sync("a:b")
        self.assertEqual([name for name, _, _ in self.calls], ["a", "b"])

    def test_a_remover_leaves_the_same_handler_elsewhere_alone(self):
        handler = self.handler("a")
        remove = self.registry.register("a:b", handler)
        self.registry.register("a:b", handler)
        self.registry.register("a:c", handler)
        remove()
        self.registry.emit_sync("a:b")
        self.registry.emit_sync("a:c")
        self.assertEqual([event for _, event, _ in self.calls], ["a:b", "a:c"])

    def test_the_call_is_made_before_emit_returns(self):
        self.registry.register("a:b", self.handler("a"))
        self.assertIsNone(self.registry.emit_sync("a:b", {"x": 1}))
        self.assertEqual(len(self.calls), 1)

    def test_without_a_context_there_is_an_empty_one(self):
        self.registry.register("a:b", self.handler("a"))
        self.registry.emit_sync("a:b")
        self.assertEqual(self.calls, [("a", "a:b", {})])

    def test_a_handler_that_raises_is_nothing_to_the_next(self):
        self.registry.register("a:b", lambda *_: 1 / 0)
        self.registry.register("a:b", self.handler("a"))
        self.registry.emit_sync("a:b")
        self.assertEqual((len(self.calls), self.said), (1, ["hookspan: a handler of a:b failed: ZeroDivisionError"]))

    def test_exact_names_go_before_wildcards(self):
        self.registry.register("a:*", self.handler("wild"))
        self.registry.register("a:b", self.handler("exact"))
        self.registry.register("b:*", self.handler("other"))
        self.registry.emit_sync("a:b")
        self.registry.emit_sync("a")
        self.assertEqual([name for name, _, _ in self.calls], ["exact", "wild"])

    def test_without_handlers_nothing_happens(self):
        self.assertIsNone(self.registry.emit_sync("a:b", {}))

    def test_an_async_handler_without_a_loop_is_left_out_and_said_once(self):
        async def late(*_):
            self.calls.append("late")

        self.registry.register("a:b", late)
        for _ in range(3):
            self.registry.emit_sync("a:b")
        self.assertEqual((self.calls, len(self.said)), ([], 1))
        coroutine = late()
        self.registry.register("a:c", lambda *_: coroutine)
        self.registry.emit_sync("a:c")
        self.assertEqual(inspect.getcoroutinestate(coroutine), "CORO_CLOSED")

    def test_an_async_handler_is_scheduled_where_a_loop_runs(self):
        done = []

        async def late(event_type, _):
            done.append(event_type)

        async def fails(*_):
            raise KeyError("no")

        async def main():
            self.registry.register("a:b", late)
            self.registry.register("a:b", fails)
            self.registry.emit_sync("a:b")
            self.assertEqual(done, [])
            while self.registry._tasks:
                await asyncio.sleep(0)

        asyncio.run(main())
        self.assertEqual((done, self.said), (["a:b"], ["hookspan: an async handler failed: KeyError"]))

    def test_there_is_one_registry_in_a_process(self):
        self.assertIs(self.module.default_registry(), self.module.default_registry())

    def test_another_registry_may_take_its_place(self):
        self.module.set_default_registry(self.registry)
        self.assertIs(self.module.default_registry(), self.registry)
        self.module.set_default_registry(None)
        self.assertIsNot(self.module.default_registry(), self.registry)

    def test_who_registered_at_the_default_is_seen_by_all_who_ask_for_it(self):
        self.module.default_registry().register("a:b", self.handler("a"), "mine")
        self.assertEqual([about["name"] for about in self.module.default_registry().loaded_hooks], ["mine"])
        self.module.handle("a:b", {"n": 1})
        self.assertEqual(self.calls, [("a", "a:b", {"n": 1})])


class Mirror(Case):
    def setUp(self):
        super().setUp()
        os.environ["HOOKSPAN_HERMES_FORWARDER"] = "off"
        self.calls = []

    def listen(self, pattern, name=None):
        self.module.default_registry().register(
            pattern, lambda event, context: self.calls.append((name or pattern, event, context))
        )

    def test_what_a_terminal_shows_is_told_with_its_session(self):
        self.listen("tui:*")
        self.module.mirror("tool.start", "s", {"name": "ls"})
        self.assertEqual(
            self.calls, [("tui:*", "tui:tool.start", {"session_id": "s", "payload": {"name": "ls"}})]
        )

    def test_no_payload_is_an_empty_one(self):
        self.listen("tui:*")
        self.module.mirror("message.start", "s", None)
        self.assertEqual(self.calls[0][2], {"session_id": "s", "payload": {}})

    def test_a_listener_that_fails_does_not_reach_the_terminal(self):
        self.module.default_registry().register("tui:error", lambda *_: 1 / 0)
        self.listen("tui:*")
        self.module.mirror("error", "s", {})
        self.assertEqual(len(self.calls), 1)

    def test_a_listener_to_all_of_the_terminal_comes_after_those_to_one_event(self):
        self.listen("tui:*")
        self.listen("tui:error")
        self.module.mirror("error", "s")
        self.assertEqual([name for name, _, _ in self.calls], ["tui:error", "tui:*"])

    def test_nobody_need_listen(self):
        self.assertIsNone(self.module.mirror("error", "s", {}))

    def test_the_registry_is_looked_up_once_and_late(self):
        self.assertIsNone(self.module._mirrored)
        self.listen("tui:*")
        self.module.mirror("error", "s")
        self.module.set_default_registry(self.module.Registry())
        self.module.mirror("error", "s")
        self.assertEqual(len(self.calls), 2)


@contextlib.contextmanager
def _raw_server(answer):
    """Says the same to whoever comes, and closes."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection, contextlib.suppress(OSError):
                        connection.recv(4096)
                        connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def _dripping_server():
    """A head that never ends, byte by byte."""
    import socket

    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            with contextlib.suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    connection.sendall(b"HTTP/1.1 200 OK\r\n")
                    while not ended.wait(0.05):
                        connection.sendall(b"x")

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        ended.set()


class Report(unittest.TestResult):
    """One JSON line for each test."""

    def addSuccess(self, test):
        self._say(test, None)

    def addFailure(self, test, err):
        self._say(test, self._exc_info_to_string(err, test))

    addError = addFailure

    def _say(self, test, error):
        print(json.dumps({"name": test.id().split(".", 1)[-1], "error": error}), flush=True)


if __name__ == "__main__":
    only = sys.argv[1:]
    loader = unittest.defaultTestLoader
    suite = loader.loadTestsFromNames(only, sys.modules["__main__"]) if only else loader.loadTestsFromModule(sys.modules["__main__"])
    suite.run(Report())
