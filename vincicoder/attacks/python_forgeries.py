"""Python: forged answers to the trainer and forged words to the server.

The code writes to the renderer's own channel, or puts something else in the place of the renderer's own files. At most
another image may come of it.
"""

from __future__ import annotations

from vincicoder.attacks.attack import Attack, Layer, listed

_FORGE = """
import contextlib, gc, json, struct
from pathlib import Path
control = socket.socket(fileno=3)
others = [fd for fd in range(4, 64) if os.path.exists(f'/proc/self/fd/{fd}')]
[sock] = [socket.socket(fileno=fd) for fd in others if os.readlink(f'/proc/self/fd/{fd}').startswith('socket')]
private = Path.cwd().parent
job = next(o['id'] for o in gc.get_objects() if type(o) is dict and 'options' in o and 'code' in o)
image = private / f'{job}.rgb'
def send(message):
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    sock.sendall(struct.pack('!I', len(body)) + body)
def claim(width=8, height=8, **more):
    send({'status': 'ok', 'message': '', 'width': width, 'height': height, **more})
"""
_FORGED = """
with contextlib.suppress(OSError): control.sendall(b'k')
wait(0.3)
os._exit(0)
"""
_FORGERIES = {
    "forged-link": ("hand a link to a foreign file over as its image", "image.symlink_to(RGB); claim()"),
    "forged-hard-link": ("hand over a file that has a second name", "open('a', 'wb').write(bytes((255, 0, 255)) * 64); os.link('a', image); claim()"),
    "forged-pipe": ("hand over a pipe, for the trainer to wait on", "os.mkfifo(image); claim()"),
    "forged-directory": ("hand over a directory", "image.mkdir(); claim()"),
    "forged-errors": ("put a directory in the place of its errors", "os.remove(private / 'stderr.txt'); os.mkdir(private / 'stderr.txt'); os._exit(3)"),
    "forged-errors-pipe": ("put a link to something endless there", "os.remove(private / 'stderr.txt'); os.symlink('/dev/zero', private / 'stderr.txt'); os._exit(3)"),
    "forged-missing": ("hand over nothing", "claim()"),
    "forged-device": ("hand over something endless", "image.symlink_to('/dev/zero'); claim()"),
    "forged-short": ("hand over less than it announces", "image.write_bytes(b'x' * 11); claim()"),
    "forged-length": ("announce a message of 268 MB", "sock.sendall(b'\\x0f\\xff\\xff\\xff' + b'x' * 1000)"),
    "forged-garbage": ("say what is no message", "sock.sendall(b'\\xff' * 100)"),
    "forged-size": ("announce an image of 10^18 pixels", "claim(10 ** 9, 10 ** 9)"),
    "forged-digits": ("announce a size of 4000 digits", "claim(10 ** 4000, 1)"),
    "forged-negative": ("announce a negative size", "claim(-8, -8)"),
    "forged-infinity": ("announce an infinite size", "send(b'{\"status\": \"ok\", \"width\": 1e999, \"height\": 2}')"),
    "forged-nesting": ("nest a message deeper than a parser bears", "send(b'{\"status\": \"ok\", \"width\": ' + b'[' * 990 + b']' * 990 + b'}')"),
    "forged-blame": ("blame the machine", "send({'status': 'infrastructure', 'message': 'broken'})"),
    "forged-target": ("blame the target", "send({'status': 'bad_target', 'message': 'broken'})"),
    "forged-identity": ("answer for another request", "send({'id': 1, 'status': 'runtime_error', 'directory': '/', 'disposable': True})"),
    "forged-redirect": (
        "have TeX render something",
        "send({'status': 'ok', 'redirect': {'language': 'latex', 'code': '$x$', 'width': 1, 'height': 1, 'scale': 1}})",
    ),
    "forged-redirect-loop": (
        "have itself rendered for ever",
        "send({'status': 'ok', 'redirect': {'language': 'python', 'code': '1', 'width': 1, 'height': 1, 'scale': 1}})",
    ),
    "forged-redirect-entity": (
        "have a file read by the SVG renderer",
        "send({'status': 'ok', 'redirect': {'language': 'svg', 'code': '<!DOCTYPE a [<!ENTITY x SYSTEM "
        "\"file://' + FILE + '\">]><svg>&x;</svg>', 'width': 0, 'height': 0, 'scale': 1}})",
    ),
    "forged-server": ("say to the server what is no word", "control.sendall(b'\\xff' * 60000)"),
    "forged-done": ("say that it is done, without an answer", "control.sendall(b'k' * 60000)"),
    "forged-descriptors": ("hand the server descriptors", "socket.send_fds(control, [b'k'], [0] * 200)"),
    "forged-theft": ("take the next request's job from the server", "fds = socket.recv_fds(control, 1, 1)[1]; escaped(fds) if fds else None"),
    "forged-exit": ("end as if the worker could not start", "os._exit(70)"),
    "forged-endless": ("send a message that never ends", "sock.sendall(b'\\x00\\xff\\xff\\xff')\nwhile True: sock.sendall(b' ' * 65536)"),
    "forged-list": ("send a list", "send([1])"),
    "forged-empty": ("send nothing at all", "send({})"),
    "forged-status-list": ("send a status that is a list", "send({'status': ['ok']})"),
    "forged-status": ("send a status that is none", "send({'status': 'perfect'})"),
    "forged-no-size": ("announce no size", "send({'status': 'ok'})"),
    "forged-size-object": ("announce a size that is an object", "claim({}, [])"),
    "forged-size-text": ("announce a size that is a text", "claim('a', 'b')"),
    "forged-size-nan": ("announce a size that is no number", "send(b'{\"status\": \"ok\", \"width\": NaN, \"height\": 2}')"),
    "forged-size-empty": ("announce an empty size", "claim(0, 10)"),
    "forged-redirect-unknown": (
        "redirect to a renderer that is none",
        "send({'status': 'ok', 'redirect': {'language': 'sh', 'code': 'id', 'width': 1, 'height': 1, 'scale': 1}})",
    ),
    "forged-redirect-sizeless": ("redirect without a size", "send({'status': 'ok', 'redirect': {'language': 'svg', 'code': '<svg/>'}})"),
    "forged-redirect-huge": (
        "redirect to an absurd size",
        "send({'status': 'ok', 'redirect': {'language': 'html', 'code': '', 'width': 10 ** 9, 'height': 10 ** 9, 'scale': 1}})",
    ),
    "forged-redirect-nested": (
        "redirect with nested values",
        "send({'status': 'ok', 'redirect': {'language': {}, 'code': [], 'width': 0, 'height': 0, 'scale': 1}})",
    ),
    "forged-facts-nested": ("send facts that nest", "claim(facts={'spans': []})"),
    "forged-facts-huge": ("send facts of ten megabytes", "claim(facts='[' * 10_000_000)"),
    "forged-prefixes": (
        "announce images of prefixes that nobody asked for",
        "image.write_bytes(bytes(8 * 8 * 3 * 2)); claim(prefixes='1 0 0 8 8')",
    ),
    "forged-prefixes-huge": ("announce a million prefixes", "claim(prefixes='1 ' * 1_000_000)"),
    "forged-closed": ("close the channel", "sock.close()"),
    "forged-job-descriptors": ("hand the trainer descriptors", "socket.send_fds(sock, [b'x'], [0] * 200)"),
    "forged-message-nested": (
        "nest the message",
        "send(b'{\"status\": \"runtime_error\", \"message\": ' + b'[' * 975 + b']' * 975 + b'}')",
    ),
    "forged-message-unreadable": ("send a message that nobody can print", "send({'status': 'runtime_error', 'message': '\\ud800' * 10})"),
    "forged-message-huge": ("send a message of ten megabytes", "send({'status': 'runtime_error', 'message': 'x' * 10_000_000})"),
    "forged-opened": ("tell the server that it has opened, again and again", "control.sendall(b'o' * 100)"),
    "forged-opened-endless": ("tell it so without end", "while True: control.sendall(b'o' * 65536)"),
    "forged-failed": ("say that it has failed, without an answer", "control.sendall(b'f')"),
    "forged-silence": ("close all channels", "control.close(); sock.close()"),
    **{
        f"forged-nesting-{depth}": (
            f"nest a message {depth} deep",
            f"send(b'{{\"status\": \"ok\", \"width\": ' + b'[' * {depth} + b']' * {depth} + b'}}')",
        )
        for depth in (500, 900, 960, 970, 980, 985, 995, 1000, 2000, 20_000)
    },
    "forged-exception": (
        "raise the renderer's own error",
        "child = sys.modules['vincicoder.rendering.sandbox.child']\n"
        "raise child.RenderError(child.Status.INFRASTRUCTURE, 'broken')",
    ),
}  # fmt: skip

ATTACKS: tuple[Attack, ...] = listed(
    "python",
    (Layer.RESULT, Layer.SECCOMP, Layer.WATCH),
    {name: (tries, _FORGE + code + _FORGED) for name, (tries, code) in _FORGERIES.items()},
)
