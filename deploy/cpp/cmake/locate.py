"""Prints where CMake finds the libraries of this Python: `NAME=value`, a line each."""

import importlib.metadata
import importlib.util
import pathlib
import sys
import sysconfig


def folder_of(package):
    """The folder of an installed package, without importing it; empty if it is not installed."""
    found = importlib.util.find_spec(package)
    return found.submodule_search_locations[0] if found and found.submodule_search_locations else ""


def python_library():
    """libpython as a shared library; empty where this Python has none."""
    names = [sysconfig.get_config_var(key) for key in ("INSTSONAME", "LDLIBRARY")]
    multiarch = sysconfig.get_config_var("MULTIARCH") or ""
    places = [sysconfig.get_config_var("LIBDIR"), f"/usr/lib/{multiarch}", "/usr/lib"]
    paths = [pathlib.Path(place) / name for place in places if place for name in names if name and ".so" in name]
    return next((str(path) for path in paths if path.is_file()), "")


def main():
    """Prints them all."""
    paddle, openvino = folder_of("paddle"), folder_of("openvino")
    found = {
        "KIT_PADDLE_DIR": paddle,
        "KIT_PADDLE_FOUND_VERSION": importlib.metadata.version("paddlepaddle") if paddle else "",
        "KIT_PYTHON_LIBRARY": python_library(),
        "KIT_OPENVINO_DIR": str(pathlib.Path(openvino) / "cmake") if openvino else "",
    }
    sys.stdout.write("".join(f"{name}={value}\n" for name, value in found.items()))


if __name__ == "__main__":
    main()
