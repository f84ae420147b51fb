"""What a student's cell tries. Each function returns what it got hold of; nothing, or an error, if it got nothing.

Its source is put into a notebook cell, where `HERE` says where the course, the package and the traps of the test are.
None does harm where it succeeds: a mark is set and taken back, a process is asked for and ended.
"""

import ctypes
import glob
import os
import socket
import stat
import subprocess
import time

HERE: dict = {}


# --- reading ------------------------------------------------------------------------------------------------------


def read_the_solutions():
    return open(glob.glob(HERE["course"] + "/solutions/*/*.ipynb")[0]).read(20)


def read_the_gradebook():
    return open(HERE["course"] + "/gradebook.db", "rb").read(15).decode()


def read_another_submission():
    return open(glob.glob(HERE["course"] + "/submitted/honest/*/*.ipynb")[0]).read(20)


def read_another_graded_notebook():
    return os.listdir(HERE["course"] + "/autograded")


def read_the_tests_of_the_course():
    return os.listdir(HERE["package"] + "/../tests")


def read_its_own_notebook_as_it_is_graded():
    return glob.glob("*.ipynb")


def read_the_accounts_of_this_machine():
    return open("/etc/passwd").read(20)


def read_a_home_folder():
    return open(HERE["home"] + "/.ssh/id_ed25519").read()


def read_a_variable():
    return os.environ["SECRET_TOKEN"]


def read_the_variables_of_other_processes():
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            if b"SECRET_TOKEN" in open(path, "rb").read():
                return path
        except OSError:
            pass


def read_the_words_of_other_processes():
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            if b"=True)\0autograde\0" in open(path, "rb").read():
                return path
        except OSError:
            pass


def read_the_gradebook_through_another_process():
    for root in glob.glob("/proc/[0-9]*/root"):
        try:
            return open(root + HERE["course"] + "/gradebook.db", "rb").read(15).decode()
        except OSError:
            pass


# --- writing ------------------------------------------------------------------------------------------------------


def write(path):
    open(path, "ab").close()
    return path


def write_into_the_gradebook():
    return write(HERE["course"] + "/gradebook.db")


def write_into_the_course_folder():
    return write(HERE["course"] + "/left-behind.txt")


def write_into_the_solutions():
    return write(HERE["course"] + "/solutions/left-behind.txt")


def write_into_another_submission():
    return write(HERE["course"] + "/submitted/honest/left-behind.txt")


def write_into_what_is_handed_back():
    path = write("left-behind-in-its-own-folder.txt")
    return path if HERE["course"] in os.path.abspath(path) else None


def write_into_the_package():
    with open(HERE["package"] + "/lists.py", "r+b") as file:
        return file.name


def write_into_the_data():
    with open(HERE["package"] + "/../data/tags.jsonl", "r+b") as file:
        return file.name


def write_a_start_up_file_for_the_next_kernel():
    return write(HERE["home"] + "/.bashrc")


def write_on_the_instructors_terminal():
    for number in range(1, 100):
        try:
            if stat.S_IFMT(os.fstat(number).st_mode) in (stat.S_IFCHR, stat.S_IFREG, stat.S_IFIFO):
                os.write(number, b"WRITTEN-ON-THE-TERMINAL\n")
        except OSError:
            pass


# --- talking ------------------------------------------------------------------------------------------------------


def call_by_tcp():
    with socket.create_connection(("127.0.0.1", HERE["tcp"]), timeout=5) as line:
        return line.recv(10).decode()


def call_by_udp_as_name_servers_are():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(1)
        line.sendto(b"?", ("127.0.0.1", HERE["udp"]))
        return line.recv(10).decode()


def call_by_an_abstract_socket():
    with socket.socket(socket.AF_UNIX) as line:
        line.connect("\0" + HERE["abstract"])
        return line.recv(10).decode()


def call_by_the_sockets_of_another_kernel():
    for path in glob.glob("/tmp/topfive-*/shared/ours"):
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.connect(path)
                return line.recv(10).decode()
        except OSError:
            pass


def listen_to_the_world():
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        line.bind(("0.0.0.0", HERE["door"]))
        line.listen()
        line.settimeout(4)
        return str(line.accept()[1])


# --- other processes, and more rights ---------------------------------------------------------------------------------


def kill_the_grader():
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        if b"=True)\0autograde\0" in open(path, "rb").read():
            os.kill(int(path.split("/")[2]), 0)
            return path


def look_into_the_memory_of_the_grader():
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        if b"=True)\0autograde\0" in open(path, "rb").read():
            return open(path.replace("cmdline", "maps")).read(10)


def in_a_child(*steps):
    """Whether all calls of the C library succeed."""
    library = ctypes.CDLL(None, use_errno=True)
    child = os.fork()
    if not child:
        os._exit(int(any(getattr(library, name)(*arguments) for name, *arguments in steps)))
    return not os.waitpid(child, 0)[1]


def make_a_user_namespace():
    return in_a_child(("unshare", 0x10000000))


def make_a_mount_namespace():
    return in_a_child(("unshare", 0x20000))


def mount_something():
    return in_a_child(("unshare", 0x20000), ("mount", b"none", b"/tmp", b"tmpfs", 0, None))


def change_the_root():
    return in_a_child(("chroot", b"/tmp"))


def become_somebody_else():
    return in_a_child(("setuid", 0 if os.getuid() else 12345))


def make_a_device():
    return in_a_child(("mknod", b"/tmp/topfive-attack-device", 0o020666, 0x103)) and not os.remove(
        "/tmp/topfive-attack-device"
    )


# --- taking all there is ----------------------------------------------------------------------------------------------


def start_200_processes():
    started = []
    try:
        for _ in range(200):
            started.append(subprocess.Popen(["sleep", "100"]))
    finally:
        for process in started:
            process.kill()
            process.wait()
    return len(started)


def reserve_5_gigabytes():
    return len(bytearray(5 * 2**30))


def fill_the_disk_with_one_file():
    with open("big", "wb") as file:
        for _ in range(HERE["file"] // 2**20 + 4):
            file.write(bytes(2**20))
    os.remove("big")
    return True


def fill_the_disk_with_many_files():
    names = [f"part-{number}" for number in range(HERE["scratch"] // 2**20 // 4 + 2)]
    try:
        for name in names:
            with open(name, "wb") as file:
                file.write(bytes(4 * 2**20))
    finally:
        for name in filter(os.path.exists, names):
            os.remove(name)
    return True


def fill_other_folders():
    """Where no limit of the scratch folder holds."""
    found = []
    for folder in ("/", "/dev", "/etc", "/proc", HERE["course"], HERE["home"]):
        try:
            open(folder + "/topfive-attack", "wb").close()
            os.remove(folder + "/topfive-attack")
            found.append(folder)
        except OSError:
            pass
    return found


def open_2000_files():
    files = []
    try:
        for _ in range(2000):
            files.append(os.open("/dev/null", os.O_RDONLY))
    finally:
        for file in files:
            os.close(file)
    return len(files)


# --- each in a notebook of its own, since the kernel may not live on --------------------------------------------------


def leave_a_process_behind():
    """Twice forked, in a session of its own, closed to everybody."""
    if not os.fork():
        os.setsid()
        if not os.fork():
            null = os.open("/dev/null", os.O_RDWR)
            for number in range(3):
                os.dup2(null, number)
            os.execvp("sleep", ["topfive-attack-sleeper", "600"])
        os._exit(0)
    time.sleep(0.5)


def hold_memory_in_several_processes():
    for _ in range(4):
        if not os.fork():
            held = bytearray(b"x") * (HERE["memory"] * 3 // 10)
            time.sleep(60)
            os._exit(len(held) % 2)
    time.sleep(60)
    return "all of it"


def fill_the_folder_of_sockets():
    [folder] = glob.glob("/tmp/topfive-*/shared")
    for number in range(4):
        with open(f"{folder}/{number}", "wb") as file:
            file.write(bytes(2**20))
    time.sleep(30)
    return folder


def spin_and_let_nobody_interrupt():
    import signal

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGXCPU):
        signal.signal(number, signal.SIG_IGN)
    while True:
        pass


def show_too_much():
    for _ in range(14):
        print("x" * 2**20, end="", flush=True)


def end_the_kernel():
    os._exit(1)


def send_what_no_kernel_sends():
    kernel = get_ipython().kernel
    kernel.session.key = b"another"
    return None
