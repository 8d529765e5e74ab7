"""Python: files of others, to read, to write, to change, to learn of."""

from __future__ import annotations

from vincicoder.attacks.attack import Attack, Layer, listed

_READ = {
    "read-file": ("read a file of the owner", "escaped(open(FILE).read())"),
    "read-file-os-open": ("open it by the system call alone", "escaped(os.open(FILE, os.O_RDONLY))"),
    "read-file-libc": (
        "open it by the C library's fopen",
        "ctypes.set_errno(0)\nif LIBC.fopen(FILE.encode(), b'r'): escaped()\n"
        "raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), FILE)",
    ),
    "read-file-link": ("read it through a link", "os.symlink(FILE, 'x.txt'); escaped(open('x.txt').read())"),
    "read-file-hard-link": ("make a second name for it", "os.link(FILE, 'x.txt'); escaped(open('x.txt').read())"),
    "read-file-proc-root": ("read it through /proc/self/root", "escaped(open('/proc/self/root' + FILE).read())"),
    "read-file-path-descriptor": (
        "open it without rights and again through its descriptor",
        "fd = os.open(FILE, os.O_PATH); escaped(open(f'/proc/self/fd/{fd}').read())",
    ),
    "read-file-change-directory": (
        "go to its directory and open it by its bare name",
        "os.chdir(DIRECTORY); escaped(open('secret.txt').read())",
    ),
    "read-file-directory-descriptor": (
        "open it below a descriptor of its directory",
        "fd = os.open(DIRECTORY, os.O_PATH); escaped(os.open('secret.txt', os.O_RDONLY, dir_fd=fd))",
    ),
    "read-file-handle": ("open it by a handle instead of a path", "reach('open_by_handle_at', -100, bytes(64), 0)"),
    "make-file-handle": (
        "get a handle for it",
        "reach('name_to_handle_at', -100, FILE.encode(), bytes(64), bytes(8), 0)",
    ),
    "read-image": ("save somebody's image as its own", "from PIL import Image\nImage.open(PNG).save('a.png')"),
    "read-image-matplotlib": (
        "save it by matplotlib",
        "import matplotlib.pyplot as plt\nplt.imsave('a.png', plt.imread(PNG))",
    ),
    "read-file-numpy": ("read it by numpy", "import numpy\nescaped(numpy.fromfile(FILE, dtype='u1').tobytes())"),
    "read-file-sqlite": (
        "open it as a database",
        "import sqlite3\ntry: sqlite3.connect(FILE).execute('select 1 from sqlite_master')\n"
        "except sqlite3.DatabaseError as error:\n  if 'unable to open' in str(error): os.open(FILE, os.O_RDONLY)\n"
        "escaped()",
    ),
    "import-directory": (
        "import from its directory",
        "os.listdir(DIRECTORY); sys.path.insert(0, DIRECTORY); escaped()",
    ),
    "list-directory": ("list its directory", "escaped(os.listdir(DIRECTORY))"),
    "read-password-file": ("read the list of users", "escaped(open('/etc/passwd').read())"),
    "read-shadow": ("read the passwords", "escaped(open('/etc/shadow').read())"),
    "read-hosts": ("read the machine's names of hosts", "escaped(open('/etc/hosts').read())"),
    "list-home": ("list the home directory", "escaped(os.listdir(HOME))"),
    "list-temporary": ("list the temporary directory", "escaped(os.listdir('/tmp'))"),
    "list-root": ("list the root directory", "escaped(os.listdir('/'))"),
    "list-requests": ("list the directories of other requests", "escaped(os.listdir('../..'))"),
    "list-processes": ("list all processes", "escaped(os.listdir('/proc'))"),
    "read-host-environment": ("read the trainer's environment", "escaped(open(f'/proc/{HOST}/environ').read())"),
    "read-host-memory": ("read the trainer's memory", "escaped(open(f'/proc/{HOST}/mem', 'rb').read(0))"),
    "read-host-maps": ("learn where the trainer's memory is", "escaped(open(f'/proc/{HOST}/maps').read(100))"),
    "list-host-descriptors": ("list what the trainer has open", "escaped(os.listdir(f'/proc/{HOST}/fd'))"),
    "read-host-command": ("read the trainer's command line", "escaped(open(f'/proc/{HOST}/cmdline').read())"),
    "read-server-environment": (
        "read the environment of the process that forked it",
        "escaped(open(f'/proc/{os.getppid()}/environ').read())",
    ),
    "read-server-memory": ("read that process's memory", "escaped(open(f'/proc/{os.getppid()}/mem', 'rb').read(0))"),
    "list-server-descriptors": ("list what that process has open", "escaped(os.listdir(f'/proc/{os.getppid()}/fd'))"),
    "read-init-environment": ("read the first process's environment", "escaped(open('/proc/1/environ').read())"),
    "read-kernel-log": ("read the kernel's log", "escaped(os.open('/dev/kmsg', os.O_RDONLY))"),
    "read-shared-memory": ("list the machine's shared memory", "escaped(os.listdir('/dev/shm'))"),
    "open-own-terminal": ("open the trainer's terminal", "escaped(os.open('/dev/tty', os.O_RDWR))"),
    "open-terminal": ("make a terminal", "escaped(os.open('/dev/ptmx', os.O_RDWR))"),
}

_WRITE = {
    "write-file": ("write over a file of the owner", "open(FILE, 'w').write('x')"),
    "append-file": ("append to it", "open(FILE, 'a').write('x')"),
    "empty-file-on-opening": ("empty it by opening it", "os.open(FILE, os.O_WRONLY | os.O_TRUNC)"),
    "remove-file": ("remove it", "os.remove(FILE)"),
    "rename-file": ("move it away", "os.rename(FILE, 'mine.txt')"),
    "replace-file": ("put another in its place", "open('mine', 'w').close(); os.replace('mine', FILE)"),
    "exchange-file": (
        "exchange it with one of its own",
        "open('mine', 'w').close(); number = 316 if os.uname().machine == 'x86_64' else 276\n"
        "raw(number, -100, b'mine', -100, FILE.encode(), 2)",
    ),
    "link-into-directory": ("put a second name of its own file there", "open('a', 'w').close(); os.link('a', MARKER)"),
    "make-file": ("make a file there", "open(MARKER, 'w')"),
    "make-file-without-name": (
        "make a file without a name there",
        "os.open(DIRECTORY, os.O_TMPFILE | os.O_RDWR); escaped()",
    ),
    "make-directory": ("make a directory there", "os.mkdir(MARKER)"),
    "make-link": ("make a symbolic link there", "os.symlink('a', MARKER)"),
    "make-pipe": ("make a named pipe there", "os.mkfifo(MARKER)"),
    "remove-directory": ("remove a directory there", "os.rmdir(DIRECTORY + '/empty')"),
    "write-other-request": ("write to other requests", "open('../../intruder', 'w'); escaped()"),
    "write-interpreter": ("write to the interpreter's library", "open(os.__file__, 'a'); escaped()"),
    "write-own-killing-order": (
        "have others killed first when memory runs out",
        "open('/proc/self/oom_score_adj', 'w').write('-999'); escaped()",
    ),
    "write-shared-memory": (
        "write to the machine's shared memory",
        "file = '/dev/shm/vincicoder-intruder'; open(file, 'x').close(); os.remove(file); escaped()",
    ),
    "write-kernel-setting": ("change a setting of the kernel", "open('/proc/sys/kernel/core_pattern', 'a'); escaped()"),
    "write-control-group": (
        "make a control group",
        "group = '/sys/fs/cgroup/vincicoder-intruder'; os.mkdir(group); os.rmdir(group); escaped()",
    ),
}

_ATTRIBUTES = {
    "truncate-file": ("empty the owner's file by its name", "os.truncate(FILE, 0)"),
    "change-mode": ("open the file to everybody", "os.chmod(FILE, 0o777)"),
    "change-mode-raw": ("the same by the newest call for it", "raw(452, -100, FILE.encode(), 0o777, 0)"),
    "change-owner": ("change its owner", "os.chown(FILE, os.getuid(), os.getgid())"),
    "change-times": ("change its times", "os.utime(FILE, (1, 1))"),
    "set-attribute": ("set an attribute of it", "os.setxattr(FILE, 'user.intruder', b'1')"),
    "remove-attribute": ("remove an attribute of it", "os.removexattr(FILE, 'user.origin')"),
    "read-attribute": ("read an attribute of it", "escaped(os.getxattr(FILE, 'user.origin'))"),
    "list-attributes": ("list its attributes", "escaped(os.listxattr(FILE))"),
    "watch-directory": (
        "be told what others do in a directory",
        "fd = raw(CALLS['inotify_init1'], 0); raw(CALLS['inotify_add_watch'], fd, b'/etc', 0xFFF); escaped()",
    ),
    "watch-file-system": ("be told what others do on the file system", "reach('fanotify_init', 0, 0)"),
    "note-directory": (
        "be sent a signal when a directory changes",
        "import fcntl\nfcntl.fcntl(os.open('/usr/lib', os.O_RDONLY), 1026, 2); escaped()",
    ),
    "lease-file": (
        "make others wait when they open a library",
        "import fcntl\nfcntl.fcntl(os.open('/usr/bin/env', os.O_RDONLY), 1024, fcntl.F_RDLCK); escaped()",
    ),
    "lock-file": (
        "lock everybody out of a library",
        "import fcntl\nfirst = open(os.__file__); fcntl.flock(first, fcntl.LOCK_EX)\n"
        "try: fcntl.flock(open(os.__file__), fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "except BlockingIOError: escaped()",
    ),
    "cache-of-files": (
        "learn which pages of files others use",
        "reach('cachestat', os.open('/usr/bin/env', 0), bytes(16), bytes(64), 0)",
    ),
    "device": ("make a disk of its own", "os.mknod('disk', 0o60600, os.makedev(8, 0)); escaped()"),
}

ATTACKS: tuple[Attack, ...] = (
    *listed("python", (Layer.LANDLOCK, Layer.PERMISSIONS, Layer.SECCOMP), {**_READ, **_WRITE}),
    *listed("python", (Layer.SECCOMP,), _ATTRIBUTES),
)
