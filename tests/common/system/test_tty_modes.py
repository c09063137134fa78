"""The log on a terminal and off it: NO_COLOR, pipes, 40 columns, LANG=C, and a run that fails."""

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("watched_run.py")
CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLORS = re.compile(r"\x1b\[[0-9;]*3[0-9][0-9;]*m|\x1b\[[0-9;]*9[0-7]m")


def run(tmp_path, terminal=False, columns=100, fail_at=0, **variables):
    """Runs the program; returns (exit code, what it wrote on standard error)."""
    kept = {
        name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "FORCE_COLOR", "CI")
    }
    environment = kept | {"TERM": "xterm-256color", "LANG": "C.UTF-8"} | variables
    command = [sys.executable, str(PROGRAM), str(tmp_path), str(fail_at)]
    if not terminal:
        done = subprocess.run(command, env=environment, capture_output=True, timeout=60)
        return done.returncode, done.stderr.decode()
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=slave)
    os.close(slave)
    written = b""
    with contextlib.suppress(OSError):
        while data := os.read(master, 65536):
            written += data
    os.close(master)
    return process.wait(60), written.decode()


def screen(text):
    """What stays on a terminal: the lines, after overwriting, erasing and moving up."""
    lines, row, column = [""], 0, 0
    for code, character in re.findall(r"\x1b\[([0-9;?]*[A-Za-z])|(.)", text, re.DOTALL):
        if code == "2K":
            lines[row] = ""
        elif code.endswith("A"):
            row -= int(code[:-1])
        elif character == "\r":
            column = 0
        elif character == "\n":
            row += 1
            lines += [""] * (row == len(lines))
        elif character:
            lines[row] = lines[row][:column].ljust(column) + character + lines[row][column + 1 :]
            column += 1
    return [line.rstrip() for line in lines]


def steps_logged(text):
    """The number of steps with lines in a log; a step may have several."""
    return len(set(re.findall(r"INFO epoch \S+ step (\S+)", text)))


def test_a_pipe_gets_plain_lines(tmp_path):
    code, text = run(tmp_path)
    assert code == 0
    assert "\x1b" not in text and "\r" not in text
    assert steps_logged(text) == 5


def test_a_terminal_gets_a_bar_below_the_lines(tmp_path):
    code, text = run(tmp_path, terminal=True)
    assert code == 0
    assert re.search(r"\d+/75 loss", CODES.sub("", text))
    assert COLORS.search(text)
    shown = screen(text)
    assert steps_logged("\n".join(shown)) == 5
    assert not any(re.search(r"\d+/75 loss .*%", line) for line in shown)
    assert "resume:" in shown[-5]


def test_no_color_keeps_the_bar_and_drops_the_colors(tmp_path):
    code, text = run(tmp_path, terminal=True, NO_COLOR="1")
    assert code == 0
    assert re.search(r"\d+/75 loss", CODES.sub("", text))
    assert not COLORS.search(text)


@pytest.mark.parametrize("columns", [40, 20])
def test_a_narrow_terminal_is_never_overrun(tmp_path, columns):
    code, text = run(tmp_path, terminal=True, columns=columns)
    bars = [line for line in CODES.sub("", text).replace("\r", "\n").split("\n") if re.search(r"\d+/75 ", line)]
    assert code == 0
    assert all(len(line) <= columns for line in bars if "INFO" not in line)


def test_ascii_output_gets_ascii(tmp_path):
    code, text = run(tmp_path, terminal=True, LANG="C", LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert code == 0
    assert text.isascii()
    assert "\\u" not in text


def test_a_dumb_terminal_gets_plain_lines(tmp_path):
    code, text = run(tmp_path, terminal=True, TERM="dumb")
    assert code == 0
    assert "\x1b" not in text


@pytest.mark.parametrize("fail_at", [1, 30])
def test_a_run_that_fails_leaves_its_error_and_a_visible_cursor(tmp_path, fail_at):
    code, text = run(tmp_path, terminal=True, fail_at=fail_at)
    assert code == 1
    assert [line for line in screen(text) if line][-1] == "ValueError: no more"
    assert text.rfind("\x1b[?25h") > text.rfind("\x1b[?25l")
