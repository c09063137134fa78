"""Tracing of a model into a static program, without the work that the framework repeats at every call of a layer.

The framework rewrites the source of every function that `forward` calls. It remembers what it has rewritten by the
bound method, an object that is gone after the call, and so rewrites `ConvNorm.forward` again for each convolution of a
network; and for every call it lists all functions of the modules that are never rewritten. Both take most of the time
of an export, and neither changes the program.
"""

import contextlib
import inspect

from common.log import logger


@contextlib.contextmanager
def fast_tracing():
    """Context manager in which the framework rewrites each method once per process, whoever calls it how often.

    The framework's own ways are kept where its modules are not laid out as this file expects.
    """
    import paddle.jit.dy2static.convert_call_func as calls
    import paddle.jit.dy2static.program_translator as translator

    try:
        plain, own = calls.is_unsupported, translator._FUNCTION_CACHE
        cache, unsupported = shared_cache(translator), listed_once(calls)
    except (AttributeError, TypeError) as error:
        logger.debug("the framework's tracer has changed (%s): it is used as it is", error)
        yield
        return
    calls.is_unsupported, translator._FUNCTION_CACHE = unsupported, cache
    try:
        yield
    finally:
        calls.is_unsupported, translator._FUNCTION_CACHE = plain, own


_kept = {}  # what lasts for the process: the cache, and the functions that are never rewritten


def shared_cache(translator):
    """The framework's cache of rewritten functions, but by the function of a bound method.

    Args:
        translator (module): `paddle.jit.dy2static.program_translator`.
    """

    class ByFunction(translator.FunctionCache):
        def convert_with_cache(self, func):
            return super().convert_with_cache(func.__func__ if inspect.ismethod(func) else func)

    if "cache" not in _kept:
        _kept["cache"] = ByFunction()
    return _kept["cache"]


def listed_once(calls):
    """A function that answers as `is_unsupported` of the framework: True for what is never rewritten.

    Args:
        calls (module): `paddle.jit.dy2static.convert_call_func`.
    """
    modules = tuple(calls.BUILTIN_LIKELY_MODULES)
    if _kept.get("modules") != modules:
        functions = [function for module in modules for function in calls.get_module_functions(module)]
        paths = [calls.get_module_defining_path(module) for module in modules]
        _kept["modules"] = modules
        _kept["functions"] = {id(function): function for function in functions}  # which keeps them, and so their ids
        _kept["paths"] = tuple(path for path in paths if path is not None)
    functions, paths = _kept["functions"], _kept["paths"]
    is_paddle_func = calls.is_paddle_func

    def is_unsupported(func):
        code = getattr(func, "__code__", None)
        if code is not None and code.co_filename.startswith(paths):
            return True
        return id(func) in functions or is_paddle_func(func)

    return is_unsupported
